"""Fits of the surrogate as a proposer meets them: any history gives finite predictions and kept diagnostics."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import jax
import numpy as np
import pytest

from nago_orchestrator.search.surrogate import fit as module
from nago_orchestrator.search.surrogate.diagnostics import _DIVERGED, _UNKNOWN
from nago_orchestrator.search.surrogate.fit import fit_surrogate
from nago_orchestrator.search.surrogate.fitted import FittedSurrogate
from nago_orchestrator.search.surrogate.options import SurrogateOptions
from nago_orchestrator.search.surrogate.port import Array
from nago_orchestrator.search.surrogate.sampling import sample_posteriors

pytestmark = pytest.mark.slow  # each test has jax compile a model

QUICK = SurrogateOptions(chains=2, descent=200, burn_in=400, draws=20, thinning=5, networks=30, refits=0)
"""Too short to be good, long enough to show that nothing breaks."""
EVERYWHERE = np.random.default_rng(9).random((20, 2))


def history(points: int, seed: int = 0) -> tuple[Array, Array]:
    """A slope and a bowl with little noise, shapes (points, 2) twice."""
    rng = np.random.default_rng(seed)
    inputs = rng.random((points, 2))
    costs = np.stack([inputs.sum(1), ((inputs - 0.3) ** 2).sum(1)], axis=1)
    return inputs, costs + 0.01 * rng.standard_normal(costs.shape)


def quick(points: Array, costs: Array, seed: int = 1, options: SurrogateOptions = QUICK) -> FittedSurrogate:
    return fit_surrogate(points, costs, np.ones(len(points)), seed=seed, options=options)


@cache
def good() -> FittedSurrogate:
    """With the default options, as a study has it."""
    points, costs = history(30)
    return fit_surrogate(points, costs, np.ones(30), seed=2)


def programs() -> int:
    """How often the sampler has been compiled so far."""
    return int(sample_posteriors._cache_size())  # type: ignore[attr-defined]  # of what jit returns


def assert_finite(surrogate: FittedSurrogate) -> None:
    predicted = surrogate.predict(EVERYWHERE)
    for values in (predicted.mean, predicted.epistemic, predicted.aleatoric, surrogate.draw(EVERYWHERE, 3)):
        assert values.shape == (20, 2)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
    assert (predicted.epistemic >= 0).all()
    assert (predicted.aleatoric > 0).all()
    assert np.isfinite(surrogate.mean_gradient(EVERYWHERE)).all()
    assert json.loads(json.dumps(surrogate.diagnostics, allow_nan=False)) == surrogate.diagnostics


HISTORIES = {
    "none": (np.zeros((0, 2)), np.zeros((0, 2))),
    "one point": history(1),
    "two points": history(2),
    "five points": history(5),
    "all points equal": (np.full((20, 2), 0.4), history(20)[1]),
    "one point, one cost, many times": (np.full((20, 2), 0.4), np.full((20, 2), 7.0)),
    "constant": (history(20)[0], np.full((20, 2), 0.1)),
    "constant and large": (history(20)[0], np.full((20, 2), 1e9)),
    "one of them constant": (history(20)[0], history(20)[1] * [1, 0]),
    "tiny": (history(20)[0], history(20)[1] * 1e-9),
    "huge": (history(20)[0], history(20)[1] * 1e9),
    "far from zero": (history(20)[0], history(20)[1] + 1e6),
    "one outlier": (history(20)[0], np.where(np.arange(20)[:, None] == 3, 1e6, history(20)[1])),
    "not a number": (history(20)[0], np.where(np.arange(20)[:, None] % 3 == 0, np.nan, history(20)[1])),
    "infinite": (history(20)[0], np.where(np.arange(20)[:, None] % 3 == 0, np.inf, history(20)[1])),
    "one of them unknown": (history(20)[0], history(20)[1] * [1, np.nan]),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_predictions_are_finite(name: str) -> None:
    assert_finite(quick(*HISTORIES[name]))


def test_thousand_points() -> None:
    assert_finite(quick(*history(1000), options=SurrogateOptions(draws=10, burn_in=100, descent=50, refits=0)))


def test_learns_a_function_and_its_noise() -> None:
    points, costs = history(200, seed=5)
    predicted = good().predict(points)
    clean = np.stack([points.sum(1), ((points - 0.3) ** 2).sum(1)], axis=1)
    error = np.sqrt(np.mean((predicted.mean - clean) ** 2, axis=0)) / clean.std(0)
    assert (error < 0.15).all()
    assert good().diagnostics["good"]
    away = np.abs(costs - predicted.mean) / np.sqrt(predicted.epistemic + predicted.aleatoric)
    assert 0.75 < np.mean(away < 1.645) <= 1


def test_gradient_is_that_of_the_mean() -> None:
    gradient = good().mean_gradient(EVERYWHERE)
    assert gradient.shape == (20, 2, 2)
    for dimension in range(2):
        step = 1e-2 * np.eye(2)[dimension]
        slope = (good().predict(EVERYWHERE + step).mean - good().predict(EVERYWHERE - step).mean) / 2e-2
        np.testing.assert_allclose(gradient[:, :, dimension], slope, atol=0.02)


def test_a_draw_is_one_function_and_draws_spread_as_the_epistemic_variance_says() -> None:
    draws = np.stack([good().draw(EVERYWHERE, seed) for seed in range(200)])
    assert (good().draw(EVERYWHERE[:7], 5) == draws[5][:7]).all()
    predicted = good().predict(EVERYWHERE)
    np.testing.assert_allclose(draws.std(0), np.sqrt(predicted.epistemic), rtol=0.5)
    np.testing.assert_allclose(draws.mean(0), predicted.mean, atol=0.05)


def test_same_arguments_same_surrogate() -> None:
    first, again, other = (quick(*history(20), seed=seed).predict(EVERYWHERE).mean for seed in (2**40, 2**40, 2**41))
    assert (first == again).all()
    assert not (first == other).any()


def test_does_not_depend_on_who_else_uses_jax() -> None:
    expected = quick(*history(20)).predict(EVERYWHERE).mean
    with jax.enable_x64(True), jax.default_prng_impl("rbg"):
        assert (quick(*history(20)).predict(EVERYWHERE).mean == expected).all()
        assert jax.numpy.zeros(1).dtype == np.float64


def test_units_of_the_costs_do_not_matter() -> None:
    points, costs = history(20)
    plain, scaled = quick(points, costs).predict(EVERYWHERE), quick(points, 1e9 * costs + 5e9).predict(EVERYWHERE)
    np.testing.assert_allclose(scaled.mean, 1e9 * plain.mean + 5e9, rtol=0.02)
    np.testing.assert_allclose(scaled.aleatoric, 1e18 * plain.aleatoric, rtol=0.1)


def test_history_grows_within_a_size_class_without_compiling() -> None:
    quick(*history(33)).predict(EVERYWHERE)
    compiled = programs()
    for points in (34, 50, 64):
        quick(*history(points)).predict(EVERYWHERE)
    assert programs() == compiled


def test_means_of_many_trials_are_believed_more() -> None:
    rng = np.random.default_rng(3)
    points = np.repeat(rng.random((15, 2)), 2, axis=0)
    costs = np.where(np.arange(30)[:, None] % 2 == 0, 1.0, -1.0)
    samples = np.where(np.arange(30) % 2 == 0, 100, 1)
    surrogate = fit_surrogate(points, costs, samples, seed=0)
    # At every point 100 trials say 1 and one says -1.
    assert (surrogate.predict(points).mean > 0.6).all()


def test_homoscedastic_noise_is_the_same_everywhere() -> None:
    options = SurrogateOptions(chains=2, descent=200, burn_in=400, draws=20, thinning=5, heteroscedastic=False)
    aleatoric = quick(*history(20), options=options).predict(EVERYWHERE).aleatoric
    np.testing.assert_allclose(aleatoric, np.broadcast_to(aleatoric[:1], aleatoric.shape), rtol=1e-5)


def test_a_bad_fit_is_done_again_and_then_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    # No history is known whose every fit is bad.
    monkeypatch.setattr("nago_orchestrator.search.surrogate.diagnostics.MOST_R_HAT", 0.0)
    diagnostics = quick(*history(20), options=SurrogateOptions(draws=10, burn_in=50, descent=20, refits=2)).diagnostics
    assert diagnostics["fits"] == 3
    assert not diagnostics["good"]
    assert all("R-hat" in objective["problem"] for objective in diagnostics["objectives"])


def judged(*r_hats: float | None, problems: int = 0, diverged: int = 0) -> module._Fit:
    """A fit whose first objectives have problems or diverged; an R-hat of None is of one without evaluations."""
    objectives = [
        replace(_UNKNOWN, r_hat=r_hat, problem="The chains disagree." if place < problems else None)
        for place, r_hat in enumerate(r_hats)
    ]
    objectives[:diverged] = [_DIVERGED] * diverged
    return module._Fit(networks={}, diagnostics=objectives)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (judged(3.1, problems=1), judged(1.0, diverged=1)),
        (judged(3.1, 9.0, problems=2), judged(1.0, 1.1, diverged=1)),
        (judged(1.0, 3.1, diverged=1), judged(1.0, 1.0, diverged=2)),
        (judged(2.0, 2.9), judged(1.0, 3.1, problems=1)),
        (judged(3.1, problems=1), judged(3.2, problems=1)),
        (judged(None, 1.2), judged(None, 1.3)),
        (judged(3.5, None, problems=1), judged(1.0, None, diverged=1)),
    ],
)
def test_the_best_of_bad_fits(better: module._Fit, worse: module._Fit) -> None:
    assert module._best([better, worse]) is better
    assert module._best([worse, better]) is better


def test_networks_of_diverged_chains_are_cut_off() -> None:
    broken = {"weights": jax.numpy.array([[[[np.nan, 1.0, np.inf, -1e9]]]])}
    kept = np.ones((1, 1, 1), dtype=bool)
    chosen = module._chosen(broken, kept, networks=2)["weights"]
    assert chosen.tolist() == [[[0.0, 1.0, 20.0, -20.0]] * 2]


def test_every_key_is_used_once() -> None:
    with jax.debug_key_reuse(True):
        quick(*history(5), options=SurrogateOptions(chains=2, descent=5, burn_in=10, draws=4, thinning=2))
