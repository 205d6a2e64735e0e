from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.proposers.mobohb.transfer import carry_up

NAN = np.nan


def test_an_evaluation_at_the_highest_fidelity_stays_as_it_is() -> None:
    costs = np.array([[[1.0, 2.0], [3.0, 4.0]], [[9.0, 8.0], [NAN, NAN]]])
    assert carry_up(costs)[0].tolist() == [9.0, 8.0]


def test_a_constant_shift_between_fidelities_is_learnt_exactly() -> None:
    truth = np.random.default_rng(0).random((40, 2))
    costs = np.stack([truth + 5.0, truth + 2.0, truth])
    costs[1, 12:], costs[2, 6:] = NAN, NAN
    np.testing.assert_allclose(carry_up(costs), truth, atol=1e-12)


def test_a_slope_is_learnt_from_many_pairs() -> None:
    truth = np.random.default_rng(0).normal(size=(300, 1))
    costs = np.stack([0.5 * truth - 1.0, truth])
    costs[1, 200:] = NAN
    np.testing.assert_allclose(carry_up(costs)[200:], truth[200:], atol=0.05)


def test_the_order_of_what_one_fidelity_alone_has_seen_is_kept() -> None:
    rng = np.random.default_rng(0)
    costs = rng.normal(size=(2, 100, 2))
    costs[1, 30:] = NAN
    estimate = carry_up(costs)
    for objective in range(2):
        assert (np.argsort(estimate[30:, objective]) == np.argsort(costs[0, 30:, objective])).all()


def test_without_pairs_costs_count_as_they_are() -> None:
    costs = np.array([[[1.0], [NAN]], [[NAN], [3.0]]])
    assert carry_up(costs).tolist() == [[1.0], [3.0]]


@pytest.mark.parametrize("value", [0.0, 1e9, -1e-9])
def test_a_constant_objective_stays_finite(value: float) -> None:
    costs = np.full((2, 5, 1), value)
    costs[1, 3:] = NAN
    assert carry_up(costs).tolist() == [[value]] * 5


def test_what_was_never_evaluated_stays_unknown() -> None:
    assert np.isnan(carry_up(np.full((3, 2, 2), NAN))).all()
