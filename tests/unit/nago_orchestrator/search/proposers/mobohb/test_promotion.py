from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.evaluation import pareto
from nago_orchestrator.search.proposers.mobohb.promotion import best_rows, choose_promoted

STAIRS = np.array([[0.0, 4.0], [1.0, 1.5], [4.0, 0.0], [1.1, 1.4], [5.0, 5.0]])
"""Four on the front, of which rows 1 and 3 are near each other, and one behind."""


def test_the_front_is_promoted_before_what_it_dominates() -> None:
    assert choose_promoted(STAIRS, [], [4, 2]) == 2
    assert choose_promoted(STAIRS, [0, 1, 2, 3], [4]) == 4


def test_of_one_front_the_one_that_adds_most_to_those_promoted_before() -> None:
    first = choose_promoted(STAIRS, [], [0, 1, 2, 3])
    assert first in (1, 3)
    assert choose_promoted(STAIRS, [first], [0, 1, 2, 3][:first] + [0, 1, 2, 3][first + 1 :]) in (0, 2)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_scale_of_an_objective_decides_nothing(scale: float) -> None:
    costs = np.random.default_rng(0).random((60, 2))
    scaled = costs * [scale, 1.0]
    assert choose_promoted(scaled, [3, 5], list(range(6, 60))) == choose_promoted(costs, [3, 5], list(range(6, 60)))
    assert best_rows(scaled, 20) == best_rows(costs, 20)


@pytest.mark.parametrize("objectives", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 7, 40, 60])
def test_the_best_rows_are_whole_fronts_and_part_of_the_next(objectives: int, count: int) -> None:
    costs = np.random.default_rng(1).integers(0, 8, size=(60, objectives)).astype(float)
    rows = best_rows(costs, count)
    ranks = pareto.ranks(costs)
    assert len(set(rows)) == len(rows) == count
    last = ranks[rows].max()
    assert set(np.flatnonzero(ranks < last)) <= set(rows)


def test_part_of_a_front_keeps_its_ends_and_thins_out_its_crowds() -> None:
    assert set(best_rows(STAIRS, 3)) in ({0, 1, 2}, {0, 2, 3})


def test_equal_points_and_constant_objectives_are_no_trouble() -> None:
    assert len(best_rows(np.ones((10, 2)), 4)) == 4
    assert choose_promoted(np.ones((10, 2)), [0], [3, 4]) == 3
    assert set(best_rows(np.array([[1.0, 0], [2, 0], [3, 0]]), 2)) == {0, 1}
