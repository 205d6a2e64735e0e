from __future__ import annotations

import numpy as np

from nago_orchestrator.acquisition.evolution import EvolutionOptions, evolve
from nago_orchestrator.surrogate.port import Array
from tests.analytic_surrogate import bowls, distance_to_front

OPTIONS = EvolutionOptions(population=40, generations=30)


def to_tenths(points: Array) -> Array:
    rounded: Array = np.round(points, 1)
    return rounded


def test_it_finds_the_front() -> None:
    found = evolve(bowls, lambda points: points, np.random.default_rng(0).random((40, 2)), OPTIONS, 1)
    assert np.median(distance_to_front(found)) < 0.02
    assert found.min() < 0.3
    assert found.max() > 0.7


def test_only_repaired_points_are_evaluated_and_returned() -> None:
    evaluated = list[Array]()

    def costs(points: Array) -> Array:
        evaluated.append(points)
        return bowls(points)

    found = evolve(costs, to_tenths, np.random.default_rng(0).random((40, 2)), OPTIONS, 1)
    every = np.vstack([*evaluated, found])
    np.testing.assert_array_equal(every, to_tenths(every))
    assert len(np.unique(found, axis=0)) == len(found)


def test_the_seed_decides_and_the_global_generator_is_left_alone() -> None:
    start = np.random.default_rng(0).random((40, 2))
    np.random.seed(1)  # noqa: NPY002  # what must not matter and not be touched
    first, second, other = (evolve(bowls, lambda points: points, start, OPTIONS, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert first.shape != other.shape or (first != other).any()
    assert np.random.random_sample() == np.random.RandomState(1).random_sample()  # noqa: NPY002  # as above


def test_a_start_of_a_single_point_is_enough() -> None:
    assert len(evolve(bowls, to_tenths, np.full((30, 2), 0.5), OPTIONS, 1)) >= 1
