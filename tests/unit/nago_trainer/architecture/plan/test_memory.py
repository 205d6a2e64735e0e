from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.memory import tracked_peak
from nago_trainer.architecture import Kind, Operation, Plan, TensorShape, build_plan, fit_plan, sample_architecture
from nago_trainer.architecture.plan.lifetimes import last_readers, overwriting_relus
from nago_trainer.architecture.plan.memory import bytes_per_sample
from nago_trainer.architecture.theta import MERGES, OPERATIONS, HnagTheta

IMAGE = TensorShape(3, 32)
IMAGE_BYTES = 4 * 3 * 32 * 32
LABEL_BYTES = 8
LOGIT_BYTES = 4 * 10


def head(source: int, shape: TensorShape) -> tuple[list[TensorShape], list[Operation]]:
    """Global pooling and a classifier of 10 classes behind tensor `source`, the last one so far."""
    shapes = [TensorShape(shape.channels, 1), TensorShape(10, 1)]
    return shapes, [
        Operation(Kind.GLOBAL_POOL, (source,), source + 1),
        Operation(Kind.LINEAR, (source + 1,), source + 2),
    ]


def plan_of(shapes: list[TensorShape], operations: list[Operation]) -> Plan:
    """The operations, which write tensors 1, 2, …, and a head behind the last of them."""
    head_shapes, head_operations = head(len(shapes), shapes[-1])
    return Plan((IMAGE, *shapes, *head_shapes), (*operations, *head_operations))


def test_one_convolution_and_norm_count_by_hand() -> None:
    """The peak is the norm's backward pass: the image and the convolution's output are kept for two gradients, the
    caller still has the logits and labels, and the gradients of the norm's output and input live together."""
    shape = TensorShape(5, 32)
    plan = plan_of([shape, shape], [Operation(Kind.CONV, (0,), 1, 3), Operation(Kind.BATCH_NORM, (1,), 2)])
    assert bytes_per_sample(plan) == IMAGE_BYTES + 3 * 4 * shape.elements + LOGIT_BYTES + LABEL_BYTES


def test_relu_behind_a_batch_norm_costs_one_tensor() -> None:
    """It writes over the norm's output, which nobody else reads: one tensor, kept for the relu's gradient."""
    shape = TensorShape(5, 32)
    operations = [Operation(Kind.CONV, (0,), 1, 3), Operation(Kind.BATCH_NORM, (1,), 2)]
    without = bytes_per_sample(plan_of([shape, shape], operations))
    with_relu = bytes_per_sample(plan_of([shape] * 3, [*operations, Operation(Kind.RELU, (2,), 3)]))
    assert with_relu - without == 4 * shape.elements


@pytest.mark.parametrize(
    ("kind", "tensors", "numbers"),
    [
        # Keeps nothing, so the peak is where it is computed: its inputs and its output.
        (Kind.MEAN, 3, 0),
        (Kind.CONCAT, 4, 0),
        # Kept inputs, their gradients and its own; the logits.
        (Kind.WEIGHTED_SUM, 5, 10),
        # In addition kept means and weights; gradients of weights, scores and means.
        (Kind.ATTENTION_SUM, 5, 10 + (2 * 5 + 2) + (2 + 2 + 2 * 5)),
    ],
)
def test_a_merge_of_two_convolutions_counts_by_hand(kind: Kind, tensors: int, numbers: int) -> None:
    shape, merged = TensorShape(5, 32), TensorShape(10 if kind is Kind.CONCAT else 5, 32)
    convolutions = [Operation(Kind.CONV, (0,), 1, 3), Operation(Kind.CONV, (0,), 2, 3)]
    plan = plan_of([shape, shape, merged], [*convolutions, Operation(kind, (1, 2), 3)])
    assert bytes_per_sample(plan) == IMAGE_BYTES + 4 * (tensors * shape.elements + numbers) + LABEL_BYTES


def test_pooling_nodes_need_less_than_convolutions(make_theta: Callable[..., HnagTheta]) -> None:
    """Autograd keeps a pooling's input only; a convolution node has relu, convolution and norm."""
    convolving, pooling = make_theta(), make_theta(operation_conv3x3=0.0, operation_pool3x3=1.0)
    plans = [build_plan(sample_architecture(theta, 1), IMAGE, 10, 16) for theta in (convolving, pooling)]
    assert bytes_per_sample(plans[1]) < 0.8 * bytes_per_sample(plans[0])


def test_grows_with_the_width_and_with_the_image(make_theta: Callable[..., HnagTheta]) -> None:
    architecture = sample_architecture(make_theta(), 0)
    narrow, wide = (bytes_per_sample(build_plan(architecture, IMAGE, 10, width)) for width in (16, 32))
    large = bytes_per_sample(build_plan(architecture, TensorShape(3, 64), 10, 16))
    assert 1.9 * (narrow - IMAGE_BYTES) < wide - IMAGE_BYTES < 2.1 * (narrow - IMAGE_BYTES)
    assert large == pytest.approx(4 * narrow, rel=0.01)


def test_every_tensor_but_image_and_logits_is_released_once(draw_thetas: Callable[[int], list[HnagTheta]]) -> None:
    for seed, theta in enumerate(draw_thetas(6)):
        plan = build_plan(sample_architecture(theta, seed), IMAGE, 10, 8)
        released = [tensor for ending in last_readers(plan) for tensor in ending]
        assert sorted(released) == list(range(1, len(plan.tensors) - 1))


def test_relu_overwrites_only_what_nobody_else_needs() -> None:
    shape = TensorShape(4, 32)
    operations = [
        Operation(Kind.RELU, (0,), 1),  # the image belongs to the caller
        Operation(Kind.CONV, (1,), 2, 3),
        Operation(Kind.RELU, (2,), 3),  # read again below
        Operation(Kind.WEIGHTED_SUM, (2, 3), 4),
        Operation(Kind.RELU, (4,), 5),  # may overwrite
        Operation(Kind.RELU, (5,), 6),  # its input is the output that a relu's gradient needs
    ]
    plan = plan_of([IMAGE, shape, shape, shape, shape, shape], operations)
    assert overwriting_relus(plan) == {4}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weight", [0.0, 1.0], ids=["paper", "all-operations-and-merges"])
def test_equals_the_slope_of_pytorchs_own_accounting(
    make_theta: Callable[..., HnagTheta], seed: int, weight: float
) -> None:
    """To the byte; benchmarks/memory.py compares larger networks."""
    others = [f"operation_{name}" for name in OPERATIONS if name != "conv3x3"]
    others += [f"merge_{name}" for name in MERGES if name != "weighted_sum"]
    theta = make_theta(top_nodes=4, mid_nodes=2, bottom_nodes=3, **dict.fromkeys(others, weight))
    _, plan = fit_plan(sample_architecture(theta, seed), IMAGE, 10, 1_000_000)
    small, large = 512, 1024
    assert tracked_peak(plan, large) - tracked_peak(plan, small) == bytes_per_sample(plan) * (large - small)
