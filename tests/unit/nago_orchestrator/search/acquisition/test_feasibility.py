from __future__ import annotations

import numpy as np

from nago_orchestrator.search.acquisition.feasibility import probability_feasible


def test_without_infeasible_neighbours_everything_is_feasible() -> None:
    points = np.random.default_rng(0).random((600, 3))
    np.testing.assert_array_equal(probability_feasible(points, points[:5], np.ones(5, bool)), 1)
    np.testing.assert_array_equal(probability_feasible(points, points[:0], np.ones(0, bool)), 1)


def test_it_falls_towards_what_was_infeasible_and_is_never_zero() -> None:
    line = np.linspace(0, 1, 11)[:, None]
    found = probability_feasible(line, np.zeros((20, 1)), np.zeros(20, bool))
    assert (np.diff(found) > 0).all()
    assert 0 < found[0] < 0.1
    assert found[-1] > 0.9


def test_one_infeasible_evaluation_halves_its_own_place() -> None:
    point = np.array([[0.3, 0.3]])
    assert probability_feasible(point, point, np.zeros(1, bool)) == 0.5
