from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.acquisition.scaling import scaling_of


@pytest.mark.parametrize("unit", [1e-200, 1e-9, 1.0, 1e9, 1e200])
def test_the_unit_does_not_matter(unit: float) -> None:
    costs = np.random.default_rng(0).normal(3, 2, (50, 2))
    np.testing.assert_allclose(scaling_of(costs * unit).forward(costs * unit), scaling_of(costs).forward(costs))


def test_scaled_costs_have_mean_zero_and_deviation_one() -> None:
    costs = np.random.default_rng(0).normal(3, 2, (50, 1))
    scaled = scaling_of(costs).forward(costs)
    assert scaled.mean() == pytest.approx(0)
    assert scaled.std() == pytest.approx(1)


@pytest.mark.parametrize("diverged", [np.nan, np.inf, 1e30])
def test_a_diverged_cost_counts_as_the_worst_of_the_others(diverged: float) -> None:
    costs = np.append(np.linspace(0, 1, 40), diverged)[:, None]
    scaled = scaling_of(costs).forward(costs)
    assert scaled[-1] == scaled[:-1].max()
    assert scaled[:-1].std() > 0.9


@pytest.mark.parametrize("value", [0.0, 5.0, -1e9, np.nan, np.inf, -np.inf])
def test_an_objective_without_a_spread_is_finite_and_constant(value: float) -> None:
    costs = np.full((5, 1), value)
    scaled = scaling_of(costs).forward(costs)
    assert np.isfinite(scaled).all()
    assert np.ptp(scaled) == 0


def test_a_reference_may_be_worse_than_everything() -> None:
    costs = np.linspace(0, 1, 40)[:, None]
    scaling = scaling_of(costs)
    assert scaling.place(np.array([100.0]))[0] > scaling.forward(np.array([[100.0]]))[0, 0]


def test_some_objectives_keep_their_scaling() -> None:
    costs = np.random.default_rng(0).normal(size=(9, 3))
    np.testing.assert_array_equal(
        scaling_of(costs).of((2, 0)).forward(costs[:, [2, 0]]), scaling_of(costs).forward(costs)[:, [2, 0]]
    )
