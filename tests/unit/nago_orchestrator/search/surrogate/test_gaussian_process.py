from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.surrogate import gaussian_process
from nago_orchestrator.search.surrogate.gaussian_process import GaussianProcesses, OneProcess, fit_gaussian_processes
from nago_orchestrator.search.surrogate.port import Array


def truth(points: Array) -> Array:
    return np.column_stack([np.sin(5 * points[:, 0]) + points[:, 1], 100 * points[:, 1] ** 2])


def fitted(count: int = 40, noise: float = 0.0) -> tuple[GaussianProcesses, Array]:
    rng = np.random.default_rng(0)
    points = rng.random((count, 2))
    loud = noise * points[:, :1] ** 2 * rng.normal(size=(count, 2)) * [1, 30]
    return fit_gaussian_processes(points, truth(points) + loud, np.ones(count), seed=0), points


def test_it_learns_a_smooth_function_and_knows_how_well() -> None:
    model, _ = fitted()
    points = np.random.default_rng(1).random((300, 2))
    prediction = model.predict(points)
    error = np.abs(prediction.mean - truth(points))
    assert (error.mean(axis=0) < [0.02, 1.0]).all()
    assert ((error < 2 * np.sqrt(prediction.epistemic)).mean(axis=0) > 0.85).all()


@pytest.mark.slow
def test_noise_that_grows_with_an_input_is_found() -> None:
    model, _ = fitted(150, noise=1.0)
    quiet, loud = model.predict(np.array([[0.1, 0.5], [0.95, 0.5]])).aleatoric[:, 0]
    assert loud > 20 * quiet


def test_the_energys_gradient_is_that_of_its_values() -> None:
    rng = np.random.default_rng(0)
    points, targets, samples = rng.random((20, 3)), rng.normal(size=20), rng.integers(1, 4, 20).astype(float)
    vector = rng.normal(0, 0.5, 8) - [0, 0, 0, 0, 2, 0, 0, 0]

    def energy(at: Array) -> float:
        return gaussian_process._energy(at, points, targets, samples)[0]

    numeric = [(energy(vector + step) - energy(vector - step)) / 2e-5 for step in 1e-5 * np.eye(8)]
    np.testing.assert_allclose(gaussian_process._energy(vector, points, targets, samples)[1], numeric, rtol=1e-4)


def test_the_means_gradient_is_that_of_its_values() -> None:
    model, _ = fitted()
    point = np.array([[0.3, 0.6]])
    numeric = [
        (model.predict(point + step).mean - model.predict(point - step).mean)[0] / 2e-5 for step in 1e-5 * np.eye(2)
    ]
    np.testing.assert_allclose(model.mean_gradient(point)[0], np.transpose(numeric), rtol=1e-3)


def test_drawn_functions_have_the_predicted_moments_and_a_seed_is_a_function() -> None:
    model, _ = fitted(12)
    points = np.random.default_rng(1).random((50, 2))
    prediction, draws = model.predict(points), model.draws(points, range(400))
    deviation = np.sqrt(prediction.epistemic)
    assert (np.abs(draws.mean(axis=0) - prediction.mean) < 0.3 * deviation.max(axis=0)).all()
    assert np.median(draws.std(axis=0) / deviation) == pytest.approx(1, abs=0.15)
    np.testing.assert_allclose(model.draw(points, 7), draws[7])


def test_means_of_several_samples_count_for_more() -> None:
    rng = np.random.default_rng(0)
    points = rng.random((60, 1))
    costs = np.sin(6 * points) + rng.normal(0, 0.3, (60, 1))
    one, many = (fit_gaussian_processes(points, costs, np.full(60, count), seed=0) for count in (1.0, 9.0))
    assert np.median(many.predict(points).aleatoric) > 4 * np.median(one.predict(points).aleatoric)


def test_leaving_one_out_is_what_the_others_predict() -> None:
    model, points = fitted(25, noise=0.5)
    process = model._processes[0]
    targets, samples = process._targets, np.ones(25)
    expected = []
    for place in range(25):
        others = np.delete(np.arange(25), place)
        rest = OneProcess(points[others], targets[others], samples[others], process.own)
        mean, variance = rest.predict(points[[place]])
        expected.append(float((targets[place] - mean[0]) / np.sqrt(variance[0] + process._noise[place])))
    np.testing.assert_allclose(model.leave_one_out()[:, 0], expected, rtol=1e-5)


@pytest.mark.slow
def test_intervals_of_a_right_model_hold_what_is_left_out() -> None:
    deviations = fitted(200, noise=0.5)[0].leave_one_out()
    assert deviations.shape == (200, 2)
    assert ((np.abs(deviations) < 1.645).mean(axis=0) > 0.83).all()
    assert ((np.abs(deviations) < 1.645).mean(axis=0) < 0.97).all()


@pytest.mark.parametrize("costs", [np.zeros((5, 1)), np.full((5, 1), 1e9), np.arange(5.0)[:, None] * 1e-9])
@pytest.mark.parametrize("same", [True, False])
def test_bad_data_give_finite_predictions(costs: Array, same: bool) -> None:
    points = np.full((5, 2), 0.5) if same else np.random.default_rng(0).random((5, 2))
    model = fit_gaussian_processes(points, costs, np.ones(5), seed=0)
    prediction = model.predict(np.random.default_rng(1).random((9, 2)))
    assert all(np.isfinite(part).all() for part in (prediction.mean, prediction.epistemic, prediction.aleatoric))
    assert np.isfinite(model.draw(points, 0)).all()
    assert np.isfinite(model.leave_one_out()).all()


@pytest.mark.slow
def test_a_thousand_points_are_fitted_by_a_subset() -> None:
    model, points = fitted(1000)
    assert np.abs(model.predict(points).mean - truth(points)).mean(axis=0).max() < 1.0
