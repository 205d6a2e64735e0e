"""What network an architecture becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from nago_trainer.architecture import (
    Architecture,
    BottomGraph,
    Cell,
    Dag,
    HnagTheta,
    Kind,
    Plan,
    TensorShape,
    build_plan,
    sample_architecture,
)

MakeArchitecture = Callable[..., Architecture]
DrawThetas = Callable[[int], list[HnagTheta]]

IMAGE = TensorShape(3, 32)
CHAIN = ((0, 1), (1, 2))
STEM = ["conv", "batch_norm"]
NODE = ["relu", "conv", "batch_norm"]
HEAD = ["relu", "conv", "batch_norm", "relu", "global_pool", "dropout", "linear"]


def kinds(plan: Plan) -> list[str]:
    return [operation.kind.value for operation in plan.operations]


def inputs_of(plan: Plan, kind: Kind) -> list[list[TensorShape]]:
    return [
        [plan.tensors[tensor] for tensor in operation.inputs] for operation in plan.operations if operation.kind == kind
    ]


def outputs_of(plan: Plan, kind: Kind) -> list[TensorShape]:
    return [plan.tensors[operation.output] for operation in plan.operations if operation.kind == kind]


def one_cell(bottom: BottomGraph) -> Architecture:
    cell = Cell(Dag(1, ()), ("concat",), (bottom,))
    return Architecture(Dag(1, ()), ("concat",), (cell,), (0,), (1.0, 2.0, 4.0))


def test_the_smallest_network(make_architecture: MakeArchitecture) -> None:
    plan = build_plan(make_architecture(), IMAGE, classes=10, width=8)

    assert kinds(plan) == STEM + NODE + HEAD
    assert (plan.image, plan.classes) == (IMAGE, 10)
    assert [plan.tensors[operation.output] for operation in plan.operations] == [
        *[TensorShape(8, 32)] * 6,
        *[TensorShape(32, 32)] * 3,
        *[TensorShape(32, 1)] * 2,
        TensorShape(10, 1),
    ]


def test_a_chain_of_stages_halves_the_size_and_matches_the_channels(make_architecture: MakeArchitecture) -> None:
    plan = build_plan(make_architecture(edges=CHAIN, stages=(0, 1, 2)), IMAGE, classes=10, width=64)

    assert kinds(plan) == STEM + NODE + (["downsample", "conv", *NODE]) * 2 + HEAD
    assert outputs_of(plan, Kind.DOWNSAMPLE) == [TensorShape(16, 16), TensorShape(32, 8)]
    assert outputs_of(plan, Kind.BATCH_NORM) == [
        TensorShape(16, 32), TensorShape(16, 32), TensorShape(32, 16), TensorShape(64, 8), TensorShape(256, 8),
    ]  # fmt: skip


def test_large_images_are_quartered_by_the_stem(make_architecture: MakeArchitecture) -> None:
    plan = build_plan(make_architecture(edges=CHAIN, stages=(0, 1, 2)), TensorShape(3, 224), classes=5, width=4)

    assert kinds(plan)[:5] == ["conv", "batch_norm", "relu", "conv", "batch_norm"]
    assert [operation.stride for operation in plan.operations[:5]] == [2, 1, 1, 2, 1]
    assert [shape.size for shape in outputs_of(plan, Kind.BATCH_NORM)] == [112, 56, 56, 28, 14, 14]


@pytest.mark.parametrize(
    ("size", "sizes"), [(1, [1, 1, 1]), (7, [7, 3, 1]), (8, [8, 4, 2]), (127, [127, 63, 31]), (129, [33, 16, 8])]
)
def test_odd_and_tiny_images(make_architecture: MakeArchitecture, size: int, sizes: list[int]) -> None:
    plan = build_plan(make_architecture(edges=CHAIN, stages=(0, 1, 2)), TensorShape(1, size), classes=2, width=4)

    assert [shape.size for shape in outputs_of(plan, Kind.BATCH_NORM)][-4:-1] == sizes


def test_stages_with_the_same_ratio_need_no_matching_at_any_width(make_architecture: MakeArchitecture) -> None:
    architecture = make_architecture(edges=CHAIN, stages=(0, 1, 2), channel_ratio=(4.0, 1.0, 4.0))
    equal = make_architecture(edges=CHAIN, stages=(0, 1, 2), channel_ratio=(1.0, 1.0, 1.0))

    assert kinds(build_plan(equal, IMAGE, 10, 16)) == STEM + NODE + ["downsample", *NODE] * 2 + HEAD
    assert len({tuple(kinds(build_plan(architecture, IMAGE, 10, width))) for width in (1, 2, 3, 16, 100)}) == 1
    assert [shape.channels for shape in outputs_of(build_plan(architecture, IMAGE, 10, 16), Kind.DOWNSAMPLE)] == [16, 4]


def test_width_is_that_of_the_widest_stage_in_use(make_architecture: MakeArchitecture) -> None:
    plan = build_plan(make_architecture(edges=((0, 1),), stages=(0, 1)), IMAGE, classes=10, width=10)

    assert [shape.channels for shape in outputs_of(plan, Kind.BATCH_NORM)] == [5, 5, 10, 40]


@pytest.mark.parametrize(("width", "head"), [(1, 4), (320, 1280), (321, 1280)])
def test_the_head_follows_the_last_stage_up_to_1280(make_architecture: MakeArchitecture, width: int, head: int) -> None:
    plan = build_plan(make_architecture(), IMAGE, classes=10, width=width)

    assert outputs_of(plan, Kind.GLOBAL_POOL) == [TensorShape(head, 1)]


@pytest.mark.parametrize("merge", ["weighted_sum", "attention_sum"])
def test_a_sum_matches_each_input_for_itself(make_architecture: MakeArchitecture, merge: str) -> None:
    architecture = make_architecture(edges=((0, 2), (1, 2)), stages=(0, 1, 2), merge=merge)
    plan = build_plan(architecture, IMAGE, classes=10, width=16)

    assert inputs_of(plan, Kind(merge)) == [[TensorShape(16, 8)] * 2]
    assert kinds(plan).count("concat") == 0


def test_concatenation_matches_the_channels_behind_it(make_architecture: MakeArchitecture) -> None:
    architecture = make_architecture(edges=((0, 2), (1, 2)), stages=(0, 1, 2), merge="concat")
    plan = build_plan(architecture, IMAGE, classes=10, width=16)

    assert inputs_of(plan, Kind.CONCAT) == [[TensorShape(4, 8), TensorShape(8, 8)]]
    concat = next(place for place, name in enumerate(kinds(plan)) if name == "concat")
    projection = plan.operations[concat + 1]
    assert (projection.kind, projection.kernel) == (Kind.CONV, 1)
    assert plan.tensors[projection.inputs[0]] == TensorShape(12, 8)
    assert plan.tensors[projection.output] == TensorShape(16, 8)


def test_concatenation_of_equal_channels_is_brought_back_to_them() -> None:
    bottom = BottomGraph(Dag(3, ((0, 2), (1, 2))), ("conv1x1",) * 3, ("concat",) * 3)
    plan = build_plan(one_cell(bottom), IMAGE, classes=10, width=6)

    assert outputs_of(plan, Kind.CONCAT) == [TensorShape(12, 32)]
    assert kinds(plan) == [*STEM, "relu", *NODE[1:] * 2, "concat", "conv", *NODE, *HEAD]


def test_parallel_branches_read_the_input_and_are_averaged() -> None:
    bottom = BottomGraph(Dag(2, ()), ("conv3x3", "pool5x5"), ("weighted_sum",) * 2)
    plan = build_plan(one_cell(bottom), IMAGE, classes=10, width=6)
    pool = plan.operations[5]

    assert kinds(plan) == [*STEM, *NODE, "average_pool", "mean", *HEAD]
    assert (pool.inputs, pool.kernel) == (plan.operations[2].inputs, 5)
    assert plan.operations[6].inputs == (plan.operations[4].output, pool.output)


@pytest.mark.parametrize(("name", "kernel"), [("conv1x1", 1), ("conv3x3", 3), ("conv5x5", 5)])
def test_convolutions_have_their_kernel(make_architecture: MakeArchitecture, name: str, kernel: int) -> None:
    plan = build_plan(make_architecture(operation=name), IMAGE, classes=10, width=6)

    assert [operation.kernel for operation in plan.operations if operation.kind == Kind.CONV] == [3, kernel, 1]


def test_relu_and_downsampling_of_a_tensor_are_computed_once(make_architecture: MakeArchitecture) -> None:
    architecture = make_architecture(edges=((0, 1), (0, 2), (0, 3)), stages=(0, 1, 1, 1))
    counts = Counter(kinds(build_plan(architecture, IMAGE, classes=10, width=16)))
    shared = BottomGraph(Dag(3, ()), ("conv3x3",) * 3, ("concat",) * 3)

    assert counts["downsample"] == 1
    assert kinds(build_plan(one_cell(shared), IMAGE, classes=10, width=4))[2:10] == [
        "relu",
        *["conv", "batch_norm"] * 3,
        "mean",
    ]


def test_top_outputs_of_several_stages_meet_at_the_last_one(make_architecture: MakeArchitecture) -> None:
    plan = build_plan(make_architecture(stages=(0, 1, 2)), IMAGE, classes=10, width=16)

    assert inputs_of(plan, Kind.MEAN) == [[TensorShape(16, 8)] * 3]
    assert Counter(kinds(plan))["downsample"] == 4  # Stem to two stages, two outputs to the last stage.


@pytest.mark.parametrize(
    ("image", "classes", "width"),
    [(TensorShape(0, 32), 10, 8), (TensorShape(3, 0), 10, 8), (IMAGE, 0, 8), (IMAGE, 10, 0)],
)
def test_impossible_numbers_are_refused(
    make_architecture: MakeArchitecture, image: TensorShape, classes: int, width: int
) -> None:
    with pytest.raises(ValueError, match=r"positive|at least 1"):
        build_plan(make_architecture(), image, classes, width)


def test_every_plan_is_a_sound_program(draw_thetas: DrawThetas) -> None:
    for seed, theta in enumerate(draw_thetas(20)):
        plan = build_plan(sample_architecture(theta, seed), IMAGE, classes=10, width=20)
        for place, operation in enumerate(plan.operations):
            assert operation.output == place + 1
            assert max(operation.inputs) <= place
            check_shapes(plan, place)
        read = {tensor for operation in plan.operations for tensor in operation.inputs}
        assert read == set(range(len(plan.tensors) - 1))


def check_shapes(plan: Plan, place: int) -> None:
    operation = plan.operations[place]
    output, inputs = plan.tensors[operation.output], [plan.tensors[tensor] for tensor in operation.inputs]
    if operation.kind in (Kind.WEIGHTED_SUM, Kind.ATTENTION_SUM, Kind.MEAN):
        assert len(inputs) > 1
        assert set(inputs) == {output}
    elif operation.kind == Kind.CONCAT:
        assert len(inputs) > 1
        assert {shape.size for shape in inputs} == {output.size}
        assert sum(shape.channels for shape in inputs) == output.channels
    else:
        assert len(inputs) == 1
        check_single(operation.kind, inputs[0], output)


def check_single(kind: Kind, source: TensorShape, output: TensorShape) -> None:
    if kind in (Kind.BATCH_NORM, Kind.RELU, Kind.AVERAGE_POOL, Kind.DROPOUT):
        assert source == output
    elif kind in (Kind.DOWNSAMPLE, Kind.GLOBAL_POOL):
        assert source.channels == output.channels
        assert source.size > output.size
    else:
        assert source.size == output.size
