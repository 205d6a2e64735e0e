"""Parameters and FLOPs of single operations and of a network counted by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nago_trainer.architecture import (
    Architecture,
    Kind,
    Operation,
    Plan,
    TensorShape,
    build_plan,
    count_flops,
    count_parameters,
)


def single(kind: Kind, inputs: int, shapes: tuple[TensorShape, TensorShape], kernel: int = 1) -> Plan:
    source, output = shapes
    return Plan((source,) * inputs + (output,), (Operation(kind, tuple(range(inputs)), inputs, kernel),))


WIDE, NARROW = TensorShape(8, 4), TensorShape(6, 4)


@pytest.mark.parametrize(
    ("plan", "parameters", "flops"),
    [
        (single(Kind.CONV, 1, (NARROW, WIDE), 1), 6 * 8, 2 * 6 * 8 * 16),
        (single(Kind.CONV, 1, (NARROW, WIDE), 5), 25 * 6 * 8, 2 * 25 * 6 * 8 * 16),
        (single(Kind.CONV, 1, (NARROW, TensorShape(8, 2)), 3), 9 * 6 * 8, 2 * 9 * 6 * 8 * 4),
        (single(Kind.LINEAR, 1, (TensorShape(6, 1), TensorShape(8, 1))), 7 * 8, 2 * 6 * 8),
        (single(Kind.BATCH_NORM, 1, (WIDE, WIDE)), 16, 0),
        (single(Kind.WEIGHTED_SUM, 3, (WIDE, WIDE)), 3, 0),
        (single(Kind.ATTENTION_SUM, 3, (WIDE, WIDE)), 24, 0),
        (single(Kind.CONCAT, 3, (WIDE, TensorShape(24, 4))), 0, 0),
        (single(Kind.AVERAGE_POOL, 1, (WIDE, WIDE), 3), 0, 0),
        *[(single(kind, 1, (WIDE, WIDE)), 0, 0) for kind in (Kind.RELU, Kind.DROPOUT, Kind.MEAN)],
        *[(single(kind, 1, (WIDE, TensorShape(8, 1))), 0, 0) for kind in (Kind.DOWNSAMPLE, Kind.GLOBAL_POOL)],
    ],
    ids=lambda value: value.operations[0].kind.value if isinstance(value, Plan) else "",
)
def test_one_operation(plan: Plan, parameters: int, flops: int) -> None:
    assert (count_parameters(plan), count_flops(plan)) == (parameters, flops)


def test_a_network_by_hand(make_architecture: Callable[..., Architecture]) -> None:
    plan = build_plan(make_architecture(), TensorShape(3, 32), classes=10, width=8)
    stem, node, head, classifier = 9 * 3 * 8, 9 * 8 * 8, 8 * 32, 32 * 10

    assert count_parameters(plan) == (stem + 16) + (node + 16) + (head + 64) + (classifier + 10)
    assert count_flops(plan) == 2 * (32 * 32 * (stem + node + head) + classifier)
