from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.acquisition.scaling import scaling_of


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


UNITS = [1e-9, 1.0, 1e9, 1e200]
CHANCE = np.append(np.linspace(0.1, 0.5, 5), np.full(24, 0.9))
GOOD = {
    "thirty, one below all": (np.linspace(0, 1, 29), [-np.inf]),
    "most at chance level": (CHANCE, [1e30]),
    "most at the lowest": (np.append(np.zeros(24), np.linspace(0.1, 0.5, 5)), [1e30]),
    "four": (np.array([0.1, 0.2, 0.3]), [1e30]),
    "three": (np.array([0.1, 0.2]), [1e30]),
    "a third diverged": (np.linspace(0, 1, 20), [1e30, 1e31, np.inf, 1e5, 1e6, np.nan, 1e30, 1e30, 1e7, 1e30]),
    "just below the fence": (np.linspace(0, 1, 30), [8.5] * 9),
    "of both kinds": (np.linspace(-1, 0, 30), [-np.inf, np.inf, np.nan, 1e30]),
}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", GOOD)
def test_good_costs_keep_a_spread_beside_diverged_ones(name: str, unit: float) -> None:
    good, diverged = GOOD[name]
    costs = unit * np.append(good, diverged)[:, None]
    scaled = scaling_of(costs).forward(costs)[:, 0]
    assert np.isfinite(scaled).all()
    assert np.ptp(scaled[: len(good)]) > 0.2
    assert np.abs(scaled).max() < 10
    assert (np.argsort(scaled[: len(good)], kind="stable") == np.argsort(good, kind="stable")).all()


def test_minus_infinity_is_told_as_the_lowest_finite_cost() -> None:
    costs = np.append(np.linspace(2, 3, 29), -np.inf)[:, None]
    scaled = scaling_of(costs).forward(costs)
    assert scaled[-1] == scaled[0] == scaled.min()


@pytest.mark.parametrize("count", [20, 100, 1000])
@pytest.mark.parametrize("name", ["normal", "uniform", "exponential", "lognormal"])
def test_a_long_tail_is_no_outlier(name: str, count: int) -> None:
    """Of ten sets of costs at most one cost in a hundred is told as less than it is."""
    rng = np.random.default_rng(0)
    drawn = getattr(rng, name)(size=(count, 10))
    assert np.mean(drawn > scaling_of(drawn).ceiling) <= 0.01


@pytest.mark.parametrize("unit", [1e-300, 1e-9, 1e9, 1e300])
@pytest.mark.parametrize("count", range(1, 8))
def test_whatever_is_told_becomes_a_number(unit: float, count: int) -> None:
    rng = np.random.default_rng(count)
    odd = [np.nan, np.inf, -np.inf, 0.0, 1e308, -1e308, 1e-308]
    told = rng.choice([*odd, *(unit * rng.standard_normal(4))], size=(count, 50))
    scaling = scaling_of(told)
    assert np.isfinite(scaling.forward(told)).all()
    later = np.array(odd)[:, None] * np.ones(50)
    assert np.isfinite(scaling.forward(later)).all()


@pytest.mark.parametrize("value", [0.0, 5.0, -1e9, np.nan, np.inf, -np.inf])
def test_an_objective_without_a_spread_is_finite_and_constant(value: float) -> None:
    costs = np.full((5, 1), value)
    scaled = scaling_of(costs).forward(costs)
    assert np.isfinite(scaled).all()
    assert np.ptp(scaled) == 0


def test_a_reference_may_be_worse_than_everything() -> None:
    costs = np.linspace(0, 1, 40)[:, None]
    scaling = scaling_of(costs)
    assert scaling.scale(np.array([100.0]))[0] > scaling.forward(np.array([[100.0]]))[0, 0]


def test_some_objectives_keep_their_scaling() -> None:
    costs = np.random.default_rng(0).normal(size=(9, 3))
    np.testing.assert_array_equal(
        scaling_of(costs).of((2, 0)).forward(costs[:, [2, 0]]), scaling_of(costs).forward(costs)[:, [2, 0]]
    )
