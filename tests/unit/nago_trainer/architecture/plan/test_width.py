"""The width is the largest within the limit, and a limit out of reach is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nago_trainer.architecture import (
    Architecture,
    HnagTheta,
    ParameterLimitError,
    TensorShape,
    build_plan,
    count_parameters,
    fit_plan,
    largest_width,
    sample_architecture,
)

IMAGE = TensorShape(3, 32)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [20_000, 4_000_000])
def test_the_next_width_would_be_too_much(draw_thetas: Callable[[int], list[HnagTheta]], limit: int) -> None:
    architectures = [sample_architecture(theta, seed) for seed, theta in enumerate(draw_thetas(12))]
    within_reach = [item for item in architectures if count_parameters(build_plan(item, IMAGE, 10, 1)) <= limit]
    for architecture in within_reach:
        width, plan = fit_plan(architecture, IMAGE, 10, limit)
        assert width == largest_width(architecture, IMAGE, 10, limit)
        assert plan == build_plan(architecture, IMAGE, 10, width)
        assert count_parameters(plan) <= limit < count_parameters(build_plan(architecture, IMAGE, 10, width + 1))
    assert len(within_reach) >= 6


def test_a_limit_out_of_reach_names_the_smallest_total(make_architecture: Callable[..., Architecture]) -> None:
    architecture = make_architecture()
    smallest = count_parameters(build_plan(architecture, IMAGE, 10, 1))

    assert largest_width(architecture, IMAGE, 10, smallest) == 1
    with pytest.raises(
        ParameterLimitError, match=rf"{smallest} parameters at width 1.* limit of {smallest - 1}"
    ) as caught:
        largest_width(architecture, IMAGE, 10, smallest - 1)
    assert (caught.value.smallest, caught.value.limit) == (smallest, smallest - 1)


def test_the_width_never_falls_when_the_limit_rises(make_architecture: Callable[..., Architecture]) -> None:
    architecture = make_architecture(edges=((0, 1), (0, 2)), stages=(0, 1, 2), merge="attention_sum")
    widths = [largest_width(architecture, IMAGE, 10, limit) for limit in range(1_000, 100_000, 1_000)]

    assert widths == sorted(widths)
    assert len(set(widths)) > 20
