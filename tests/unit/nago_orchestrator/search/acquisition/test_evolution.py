from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.acquisition.evolution import EvolutionOptions, evolve
from nago_orchestrator.search.surrogate.port import Array
from tests.analytic_surrogate import bowls, distance_to_front

OPTIONS = EvolutionOptions(population=40, generations=30)


def to_tenths(points: Array) -> Array:
    rounded: Array = np.round(points, 1)
    return rounded


def test_it_finds_the_front() -> None:
    found = evolve(bowls, lambda points: points, np.random.default_rng(0).random((40, 2)), OPTIONS, 1).population
    assert np.median(distance_to_front(found)) < 0.02
    assert found.min() < 0.3
    assert found.max() > 0.7


@pytest.mark.slow
def test_only_repaired_points_are_evaluated_and_returned() -> None:
    evaluated = list[Array]()

    def costs(points: Array) -> Array:
        evaluated.append(points)
        return bowls(points)

    found = evolve(costs, to_tenths, np.random.default_rng(0).random((40, 2)), OPTIONS, 1)
    every = np.vstack([*evaluated, found.population])
    np.testing.assert_array_equal(every, to_tenths(every))
    np.testing.assert_array_equal(np.unique(found.looked_at, axis=0), np.unique(every, axis=0))
    for points in (found.population, found.looked_at):
        assert len(np.unique(points, axis=0)) == len(points)


def test_all_of_the_start_is_looked_at_first_and_in_its_order() -> None:
    """Also where it is larger than a population: none of a front is left out, nor one side of the cube."""
    start = np.random.default_rng(0).random((100, 2))
    found = evolve(bowls, lambda points: points, start, OPTIONS, 1)
    np.testing.assert_array_equal(found.looked_at[:100], start)
    assert len(found.population) <= OPTIONS.population


@pytest.mark.slow
def test_the_seed_decides_and_the_global_generator_is_left_alone() -> None:
    start = np.random.default_rng(0).random((40, 2))
    np.random.seed(1)  # noqa: NPY002  # what must not matter and not be touched
    first, second, other = (evolve(bowls, lambda points: points, start, OPTIONS, seed).population for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert first.shape != other.shape or (first != other).any()
    assert np.random.random_sample() == np.random.RandomState(1).random_sample()  # noqa: NPY002  # as above


@pytest.mark.slow
def test_a_start_of_a_single_point_is_enough() -> None:
    assert len(evolve(bowls, to_tenths, np.full((30, 2), 0.5), OPTIONS, 1).population) >= 1
