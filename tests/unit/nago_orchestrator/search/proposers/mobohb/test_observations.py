from __future__ import annotations

import math

import pytest

from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.mobohb.observations import Observations

Theta = dict[str, float | int]


@pytest.fixture
def thetas(small_space: SearchSpace) -> list[Theta]:
    """Ten different generators: with six nodes and more, p has an effect."""
    return [small_space.theta({"top_nodes": 6 + number % 5, "top_p": 0.1 + 0.05 * number}) for number in range(10)]


def places(space: SearchSpace, thetas: list[Theta]) -> list[list[float]]:
    encoding = Encoding(space)
    found: list[list[float]] = encoding.round(encoding.locate(thetas)).tolist()
    return found


def test_the_best_are_good_and_all_others_bad(small_space: SearchSpace, thetas: list[Theta]) -> None:
    observations = Observations(Encoding(small_space))
    for cost, theta in enumerate(thetas):
        observations.add(theta, 9, (float(cost), float(cost)))
    division = observations.divide(lambda usable: usable // 5)
    assert division.good.tolist() == places(small_space, thetas[:2])
    assert division.bad.tolist() == places(small_space, thetas[2:])


@pytest.mark.parametrize("costs", [None, (0.0, math.nan), (-math.inf, 0.0), (0.0, math.inf)])
def test_infeasible_and_diverged_thetas_are_bad_whatever_else_they_did(
    small_space: SearchSpace, thetas: list[Theta], costs: tuple[float, ...] | None
) -> None:
    observations = Observations(Encoding(small_space))
    for theta in thetas:
        observations.add(theta, 1, (1.0, 1.0))
    observations.add(thetas[0], 1, (-9.0, -9.0))
    observations.add(thetas[0], 3, costs)
    division = observations.divide(lambda usable: usable)
    assert division.bad.tolist() == places(small_space, thetas[:1])
    assert len(division.good) == len(thetas) - 1


def test_nothing_usable_means_nothing_good(small_space: SearchSpace, thetas: list[Theta]) -> None:
    observations = Observations(Encoding(small_space))
    assert observations.divide(lambda usable: usable).good.shape == (0, 2)
    for theta in thetas:
        observations.add(theta, 1, None)
    division = observations.divide(lambda usable: usable)
    assert (division.good.shape, division.bad.shape) == ((0, 2), (10, 2))


def test_every_fidelity_counts_and_a_worse_one_is_not_taken_for_a_worse_theta(
    small_space: SearchSpace, thetas: list[Theta]
) -> None:
    """All look worse at the low fidelity; the two that are best there are better than what reached the high one."""
    observations = Observations(Encoding(small_space))
    for cost, theta in enumerate(thetas):
        observations.add(theta, 1, (10.0 + cost,))
        if cost in (2, 3, 4, 5):
            observations.add(theta, 9, (float(cost),))
    assert observations.points() == {1: 10, 9: 4}
    assert observations.divide(lambda _: 2).good.tolist() == places(small_space, thetas[:2])


def test_the_same_generator_evaluated_again_is_one_theta_with_the_mean(
    small_space: SearchSpace, thetas: list[Theta]
) -> None:
    observations = Observations(Encoding(small_space))
    noisy, steady = thetas[:2]
    for cost in (0.0, 10.0):
        observations.add(noisy, 9, (cost,))
    observations.add(steady, 9, (4.0,))
    assert observations.thetas == 2
    assert observations.divide(lambda _: 1).good.tolist() == places(small_space, [steady])
