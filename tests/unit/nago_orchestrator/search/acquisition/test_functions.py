from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.acquisition.functions import (
    AcquisitionFunction,
    FunctionOptions,
    Uncertainty,
    acquisition_values,
    confidence_bound,
    log_expected_improvement,
)
from tests.analytic_surrogate import Bowls


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1.5, 0.5), (-2.0, 3.0)])
def test_expected_improvement_is_the_mean_of_the_improvement(mean: float, deviation: float) -> None:
    draws = np.random.default_rng(0).normal(mean, deviation, 400_000)
    expected = np.maximum(0.5 - draws, 0).mean()
    found = log_expected_improvement(np.array([[mean]]), np.array([[deviation]]), np.array([0.5]))
    assert np.exp(found[0, 0]) == pytest.approx(expected, rel=0.05)


def test_expected_improvement_falls_steadily_however_hopeless_the_point() -> None:
    means = np.concatenate([np.linspace(-5, 50, 500), np.logspace(2, 9, 50)])[:, None]
    found = log_expected_improvement(means, np.ones_like(means), np.zeros(1))
    assert np.isfinite(found).all()
    assert (np.diff(found[:, 0]) < 0).all()


def test_the_confidence_bound_is_optimistic() -> None:
    assert confidence_bound(np.array([[1.0]]), np.array([[0.5]]), 2.0) == 0.0


def test_thompson_goes_by_one_drawn_function() -> None:
    surrogate, points = Bowls(seen=np.array([[0.5, 0.5]])), np.random.default_rng(0).random((5, 2))
    found = acquisition_values(
        surrogate, points, np.zeros(2), FunctionOptions(function=AcquisitionFunction.THOMPSON), 7
    )
    np.testing.assert_array_equal(found, surrogate.draw(points, 7))


@pytest.mark.parametrize("gain", [AcquisitionFunction.EXPECTED_IMPROVEMENT, AcquisitionFunction.CONFIDENCE_BOUND])
def test_noise_counts_only_where_the_total_variance_is_meant(gain: AcquisitionFunction) -> None:
    points = np.random.default_rng(0).random((5, 2))
    found = [
        acquisition_values(
            Bowls(seen=points[:1], noise=noise),
            points,
            np.zeros(2),
            FunctionOptions(function=gain, uncertainty=kind),
            0,
        )
        for kind in Uncertainty
        for noise in (0.0, 1.0)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[2] > found[3]).all()
