"""Whether a fit can be trusted: SGHMC accepts everything, so its chains have to be compared.

Of functions, not of weights: units of a layer can change places and signs without changing the network, so that weights
of two good chains need not agree, while their predictions must. The functions are the mean at up to 32 of the training
points; R-hat is that of split chains (Gelman et al., Bayesian Data Analysis, 3rd edition, section 11.4), the effective
sample size Geyer's, both as NumPyro computes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from scipy.stats import norm

from nago_orchestrator.search.surrogate.bayesian_network import LEAST_NOISE
from nago_orchestrator.search.surrogate.port import Array

WATCHED_POINTS = 32
MOST_R_HAT = 3.0
"""Well above the 1.1 that is asked of samplers of one mode. Networks that fit equally well differ between the points,
and chains stay with theirs; mixed, they predict well. Beyond 3, noisy functions were mostly predicted worse: a chain
was stuck in a fit without error, or had not begun to fit.
"""
LEAST_COVERAGE_90 = 0.75
MOST_NOISE_OVER_RESIDUAL = 10.0
"""Noise against the mean squared residual of the training costs. Good fits of functions without noise reach 80, for the
model's own floor of the noise; those that told noise above `UNOBTRUSIVE_NOISE` of some dozens of costs stayed below 9.
"""
UNOBTRUSIVE_NOISE = 0.05
"""Of the costs' variance: an overestimate up to here spoils no choice."""
MOST_OVERHEATED = 0.5
"""Of pure noise and of ten points or so, good fits leave out as much."""
MOST_NATS_BELOW_CONSTANT = 0.1
"""How much less likely, per training cost, than with a constant and one variance. Good fits are more likely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveDiagnostics:
    """Of one objective; None where it has no evaluations to judge by."""

    r_hat: float | None
    """Median over the watched points."""
    largest_r_hat: float | None
    effective_samples: float | None
    """Median over the watched points."""
    coverage_50: float | None
    """Share of the training costs within the central interval of that probability."""
    coverage_90: float | None
    overheated: float
    """Share of the draws that are left out of predictions, see `at_equilibrium`."""
    problem: str | None
    """Why this fit is unreliable, in one sentence."""

    @property
    def diverged(self) -> bool:
        return self.r_hat is None and self.problem is not None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainsAtPoints:
    """Draws of one objective's network at its training points."""

    means: Array
    """Shape (chains, draws, points)."""
    noises: Array
    """Noise variances of the same shape."""
    kept: NDArray[np.bool_]
    """Shape (chains, draws): those that predict, see `at_equilibrium`."""


def at_equilibrium(energies: Array, parameters: int) -> NDArray[np.bool_]:
    """Which draws are not overheated, of energies of shape (objectives, chains, draws).

    At equilibrium every parameter adds half a nat to the mean energy. A draw more than that above the median of the
    finite energies is twice as hot: its chain has just been thrown out of a valley too steep for the step size, and
    returns by itself. Of an objective without any finite energy all draws are kept.
    """
    kept = np.ones(energies.shape, dtype=bool)
    for own, chosen in zip(energies, kept, strict=True):
        finite = np.isfinite(own)
        if finite.any():
            # NaN is never below.
            chosen[:] = own <= np.median(own[finite]) + 0.5 * parameters
    return kept


def diagnose(chains: ChainsAtPoints, costs: Array, samples: Array) -> ObjectiveDiagnostics:
    """Of training costs and the trials behind each, shape (points,); all normalised."""
    overheated = 1 - float(chains.kept.mean())
    if not len(costs):
        return replace(_UNKNOWN, overheated=overheated)
    if not (np.isfinite(chains.means).all() and np.isfinite(chains.noises).all()):
        return _DIVERGED
    r_hat, effective = _mixing(chains.means)
    found = ObjectiveDiagnostics(
        r_hat=float(np.median(r_hat)),
        largest_r_hat=float(np.max(r_hat)),
        effective_samples=float(np.median(effective)),
        coverage_50=coverage(chains, costs, samples, 0.5),
        coverage_90=coverage(chains, costs, samples, 0.9),
        overheated=overheated,
        problem=None,
    )
    problems = _of_chains(found) + _of_predictions(chains, costs, samples)
    return replace(found, problem=problems[0] if problems else None)


def coverage(chains: ChainsAtPoints, costs: Array, samples: Array, share: float) -> float:
    """How many of the costs lie within the central interval of probability `share` of a normal distribution."""
    predicted = _predict(chains, samples)
    half_width = norm.ppf(0.5 + share / 2) * np.sqrt(predicted.variance)
    return float(np.mean(np.abs(costs - predicted.mean) <= half_width))


def to_json(objectives: list[ObjectiveDiagnostics], fits: int, seed: int) -> Mapping[str, Any]:
    """As it is stored with a proposal."""
    problems = [objective.problem for objective in objectives if objective.problem]
    return {
        "good": not problems,
        "fits": fits,
        "seed": seed,
        "objectives": [objective.as_json() for objective in objectives],
    }


def _mixing(draws: Array) -> tuple[Array, Array]:
    points = draws.shape[-1]
    watched = draws[..., np.unique(np.linspace(0, points - 1, min(points, WATCHED_POINTS)).astype(int))]
    # A chain that does not move at all has no variance to compare: it is far below any tolerance of costs.
    jitter = 1e-6 * np.random.default_rng(0).standard_normal(watched.shape)
    return split_gelman_rubin(watched + jitter), effective_sample_size(watched + jitter)


class _Predicted(NamedTuple):
    """Of the training costs, by the draws that are kept; each of shape (points,)."""

    mean: Array
    variance: Array
    """Of a cost that is the mean of its trials."""
    noise: Array
    """Variance of a single trial."""


def _predict(chains: ChainsAtPoints, samples: Array) -> _Predicted:
    means, noise = chains.means[chains.kept], chains.noises[chains.kept].mean(0)
    return _Predicted(mean=means.mean(0), variance=means.var(0) + noise / samples, noise=noise)


def _of_chains(found: ObjectiveDiagnostics) -> list[str]:
    problems = []
    if found.r_hat is not None and found.r_hat > MOST_R_HAT:
        problems.append(f"The chains disagree: median R-hat {found.r_hat:.2f} is above {MOST_R_HAT}.")
    if found.overheated > MOST_OVERHEATED:
        share = f"{found.overheated:.0%} of the draws, more than {MOST_OVERHEATED:.0%}"
        problems.append(f"The chains did not settle: {share}, are far above the usual energy and left out.")
    return problems


def _of_predictions(chains: ChainsAtPoints, costs: Array, samples: Array) -> list[str]:
    """Too narrow, too wide, or no better than nothing."""
    predicted = _predict(chains, samples)
    return [*_noise_problems(chains, costs, samples, predicted), *_likelihood_problem(costs, predicted)]


def _noise_problems(chains: ChainsAtPoints, costs: Array, samples: Array, predicted: _Predicted) -> list[str]:
    """Few costs are no measure of their noise: a network may well pass through them all."""
    if len(costs) < WATCHED_POINTS:
        return []
    problems = []
    covered = coverage(chains, costs, samples, 0.9)
    if covered < LEAST_COVERAGE_90:
        problems.append(
            f"The 90 % interval covers {covered:.0%} of the training costs, less than {LEAST_COVERAGE_90:.0%}."
        )
    # Both of a single trial: the mean of k trials has a k-th of its variance.
    noise, residual = float(predicted.noise.mean()), float(np.mean(samples * (costs - predicted.mean) ** 2))
    if noise > max(UNOBTRUSIVE_NOISE, MOST_NOISE_OVER_RESIDUAL * residual):
        problems.append(
            f"The noise is overestimated: its variance is {noise:.2g} of that of the costs, "
            f"more than {MOST_NOISE_OVER_RESIDUAL:g} times the mean squared training residual of {residual:.2g}."
        )
    return problems


def _likelihood_problem(costs: Array, predicted: _Predicted) -> list[str]:
    """Against a normal distribution with the costs' own mean and variance; equal costs leave nothing to compare."""
    if costs.var() < LEAST_NOISE:
        return []
    own = -float(np.mean(norm.logpdf(costs, predicted.mean, np.sqrt(predicted.variance))))
    constant = -float(np.mean(norm.logpdf(costs, costs.mean(), costs.std())))
    if own <= constant + MOST_NATS_BELOW_CONSTANT:
        return []
    return [
        f"The fit says less than a constant: a negative log likelihood of {own:.2f} nats per training cost, "
        f"where their own mean and variance give {constant:.2f}."
    ]


_UNKNOWN = ObjectiveDiagnostics(
    r_hat=None,
    largest_r_hat=None,
    effective_samples=None,
    coverage_50=None,
    coverage_90=None,
    overheated=0.0,
    problem=None,
)
_DIVERGED = replace(_UNKNOWN, overheated=1.0, problem="The chains diverged.")
