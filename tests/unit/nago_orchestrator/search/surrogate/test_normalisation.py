from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.surrogate.normalisation import CostScale, normalise_points


def test_uniform_points_have_mean_0_and_variance_1() -> None:
    points = normalise_points(np.random.default_rng(0).random((10_000, 3)))
    np.testing.assert_allclose(points.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(points.var(0), 1, atol=0.05)


@pytest.mark.parametrize("magnitude", [1e-300, 1e-9, 1.0, 1e9, 1e300])
def test_costs_have_mean_0_and_variance_1(magnitude: float) -> None:
    costs = magnitude * np.random.default_rng(0).standard_normal((50, 2))
    normalised = CostScale.of(costs).normalise(costs)
    np.testing.assert_allclose(normalised.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(normalised.std(0), 1, rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9])
def test_costs_without_spread_become_0(value: float) -> None:
    costs = np.full((7, 1), value)
    np.testing.assert_allclose(CostScale.of(costs).normalise(costs), 0, atol=1e-6)
    assert CostScale.of(costs).deviation.tolist() == [1.0]


def test_what_is_not_finite_is_left_out() -> None:
    scale = CostScale.of(np.array([[1.0, np.nan], [np.inf, np.nan], [3.0, -np.inf]]))
    assert scale.centre.tolist() == [2.0, 0.0]
    assert scale.deviation.tolist() == [1.0, 1.0]
