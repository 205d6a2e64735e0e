from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.acquisition.penalisation import ball_radii, lipschitz_constants, penalty, values_to_beat
from nago_orchestrator.search.surrogate.port import Array
from tests.analytic_surrogate import Bowls

SEEN = np.array([[0.5, 0.5]])


def test_a_place_that_was_chosen_is_worth_nothing_and_a_far_one_all() -> None:
    chosen = np.array([[0.2, 0.2], [0.6, 0.6]])
    found = penalty(np.array([[0.2, 0.2], [0.25, 0.2], [0.9, 0.1]]), chosen, np.array([0.1, 0.1]))
    np.testing.assert_allclose(found, [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(penalty(SEEN, np.empty((0, 2)), np.empty(0)), 1)


def test_the_radius_is_the_reach_over_the_slope_of_the_objective_with_the_smallest_ball() -> None:
    surrogate, chosen = Bowls(seen=SEEN), np.array([[0.5, 0.9]])
    deviation = 0.3 * 0.4
    found = ball_radii(surrogate, chosen, np.array([[1.0, 0.2]]), np.array([2.0, 4.0]))
    assert found == pytest.approx((0.2 + deviation) / 4)


def test_the_slope_is_the_steepest_of_the_mean() -> None:
    np.testing.assert_allclose(
        lipschitz_constants(Bowls(seen=SEEN), np.array([[0.2, 0.2], [1.0, 1.0]])),
        [2 * np.hypot(0.8, 0.8), 2 * np.hypot(0.6, 0.6)],
    )


def test_a_flat_or_broken_mean_has_the_assumed_slope() -> None:
    class Flat(Bowls):
        def mean_gradient(self, points: Array) -> Array:
            return np.array([[[0.0, 0.0], [np.nan, 0.0]]])

    np.testing.assert_array_equal(lipschitz_constants(Flat(seen=SEEN), SEEN), 10.0)


def test_with_one_objective_the_value_to_beat_is_the_best() -> None:
    found = values_to_beat(np.array([[3.0], [0.5]]), np.array([[2.0], [1.0]]))
    np.testing.assert_array_equal(found, [[1.0], [1.0]])


def test_along_a_front_it_is_that_of_points_as_good_in_the_others() -> None:
    evaluated = np.array([[0.0, 4.0], [2.0, 2.0], [4.0, 0.0]])
    found = values_to_beat(np.array([[3.0, 3.0], [2.0, 2.0], [-1.0, -1.0]]), evaluated)
    np.testing.assert_array_equal(found, [[2.0, 2.0], [2.0, 2.0], [-1.0, -1.0]])
