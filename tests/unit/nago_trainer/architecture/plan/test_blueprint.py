"""A blueprint and the plans it becomes agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nago_trainer.architecture import (
    Architecture,
    HnagTheta,
    TensorShape,
    build_plan,
    count_parameters,
    draw_blueprint,
    sample_architecture,
)


@pytest.mark.parametrize("image", [TensorShape(1, 8), TensorShape(3, 32), TensorShape(3, 224)])
def test_parameters_as_a_function_of_the_width_equal_those_of_the_plan(
    draw_thetas: Callable[[int], list[HnagTheta]], image: TensorShape
) -> None:
    for seed, theta in enumerate(draw_thetas(10)):
        architecture = sample_architecture(theta, seed)
        blueprint = draw_blueprint(architecture, image, 10)
        for width in (1, 2, 7, 64, 1000):
            plan = build_plan(architecture, image, 10, width)
            assert blueprint.parameters(width) == count_parameters(plan)
            assert blueprint.realise(width) == plan


def test_parameters_never_fall_when_the_width_rises(draw_thetas: Callable[[int], list[HnagTheta]]) -> None:
    for seed, theta in enumerate(draw_thetas(10)):
        blueprint = draw_blueprint(sample_architecture(theta, seed), TensorShape(3, 32), 10)
        totals = [blueprint.parameters(width) for width in range(1, 200)]
        assert totals == sorted(set(totals))


@pytest.mark.parametrize("width", [0, -1])
def test_a_width_below_one_is_refused(make_architecture: Callable[..., Architecture], width: int) -> None:
    blueprint = draw_blueprint(make_architecture(), TensorShape(3, 32), 10)

    with pytest.raises(ValueError, match="at least 1"):
        blueprint.parameters(width)
    with pytest.raises(ValueError, match="at least 1"):
        blueprint.realise(width)
