from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.acquisition.candidates import fill, new_candidates, sobol
from nago_orchestrator.search.acquisition.inputs import Cube, keys
from tests.analytic_surrogate import PLAIN

GRID = Cube(
    dimensions=2,
    round=lambda points: (np.minimum(np.floor(points * 3), 2) + 0.5) / 3,
    to_model=lambda points: np.floor(points * 3) / 2,
)
"""Nine cells."""


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_sobol_points_are_many_enough_in_the_cube_and_the_same_for_a_seed(count: int) -> None:
    points = sobol(3, count, 5)
    assert points.shape == (count, 3)
    assert points.min() >= 0
    assert points.max() <= 1
    np.testing.assert_array_equal(points, sobol(3, count, 5))
    assert (points != sobol(3, count, 6)).any()


def test_each_generator_is_a_candidate_once_and_none_that_was_proposed() -> None:
    places = sobol(2, 256, 0)
    blocked = set(keys(np.array([[0.0, 0.5], [1.0, 1.0]])))
    found = new_candidates(places, GRID, blocked)
    assert len(found) == 7
    assert not blocked & set(keys(found.points))
    np.testing.assert_array_equal(GRID.round(found.search_points), found.search_points)


def test_too_few_are_filled_with_new_ones() -> None:
    pool = fill(new_candidates(np.array([[0.5, 0.5]]), PLAIN, set()), PLAIN, set(), 10, 0)
    assert not len(pool.again)
    assert len(pool.new) >= 10
    np.testing.assert_array_equal(pool.new.search_points[0], [0.5, 0.5])


def test_the_last_new_ones_of_a_space_are_apart_from_those_that_repeat() -> None:
    every = keys(np.array([[a, b] for a in (0, 0.5, 1) for b in (0, 0.5, 1)]))
    pool = fill(new_candidates(np.empty((0, 2)), GRID, set(every[:7])), GRID, set(every[:7]), 12, 0)
    assert set(keys(pool.new.points)) == set(every[7:])
    assert len(pool.new) == 2
    assert len(pool.again) >= 10
    assert set(keys(pool.again.points)) == set(every)


def test_in_a_listed_space_the_last_new_one_is_found() -> None:
    """Where 1,024 random points miss it: one of 4,000 that was not proposed."""
    places = (np.arange(4000)[:, None] + 0.5) / 4000
    listed = Cube(dimensions=1, round=lambda points: points, to_model=lambda points: points, every=places)
    pool = fill(new_candidates(np.empty((0, 1)), listed, set()), listed, set(keys(np.delete(places, 1234, 0))), 3, 0)
    np.testing.assert_array_equal(pool.new.search_points, places[[1234]])
