"""Whether a fit can be trusted: SGHMC accepts everything, so its chains have to be compared.

Of functions, not of weights: units of a layer can change places and signs without changing the network, so that weights
of two good chains need not agree, while their predictions must. The functions are the mean at up to 32 of the training
points; R-hat is that of split chains (Gelman et al., Bayesian Data Analysis, 3rd edition, section 11.4), the effective
sample size Geyer's, both as NumPyro computes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from scipy.stats import norm

from nago_orchestrator.surrogate.port import Array

WATCHED_POINTS = 32
MOST_R_HAT = 3.0
"""Well above the 1.1 that is asked of samplers of one mode. Networks that fit equally well differ between the points,
and chains stay with theirs; mixed, they predict well. Beyond 3, noisy
functions were mostly predicted worse: a chain was stuck in a fit without error, or had not begun to fit.
"""
LEAST_COVERAGE_90 = 0.75


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
    """Why this fit should not be trusted, in one sentence."""

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

    At equilibrium every parameter adds half a nat to the mean energy. A draw more than that above the median is twice
    as hot: its chain has just been thrown out of a valley too steep for the step size, and returns by itself.
    """
    usable = np.where(np.isfinite(energies), energies, np.inf)
    median = np.median(usable, axis=(1, 2), keepdims=True)
    kept: NDArray[np.bool_] = usable <= np.where(np.isfinite(median), median + 0.5 * parameters, np.inf)
    return kept


def diagnose(chains: ChainsAtPoints, costs: Array, samples: Array) -> ObjectiveDiagnostics:
    """Of training costs and the trials behind each, shape (points,); all normalised."""
    overheated = 1 - float(chains.kept.mean())
    if not len(costs):
        return replace(_UNKNOWN, overheated=overheated)
    if not (np.isfinite(chains.means).all() and np.isfinite(chains.noises).all()):
        return _DIVERGED
    r_hat, effective = _mixing(chains.means)
    coverage_50, coverage_90 = (coverage(chains, costs, samples, share) for share in (0.5, 0.9))
    return ObjectiveDiagnostics(
        r_hat=float(np.median(r_hat)),
        largest_r_hat=float(np.max(r_hat)),
        effective_samples=float(np.median(effective)),
        coverage_50=coverage_50,
        coverage_90=coverage_90,
        overheated=overheated,
        problem=_problem(float(np.median(r_hat)), coverage_90, len(costs)),
    )


def coverage(chains: ChainsAtPoints, costs: Array, samples: Array, share: float) -> float:
    """How many of the costs lie within the central interval of probability `share` of a normal distribution."""
    means, noises = chains.means[chains.kept], chains.noises[chains.kept]
    variance = means.var(0) + noises.mean(0) / samples
    half_width = norm.ppf(0.5 + share / 2) * np.sqrt(variance)
    return float(np.mean(np.abs(costs - means.mean(0)) <= half_width))


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


def _problem(r_hat: float, coverage_90: float, count: int) -> str | None:
    if r_hat > MOST_R_HAT:
        return f"The chains disagree: median R-hat {r_hat:.2f} is above {MOST_R_HAT}."
    if count >= WATCHED_POINTS and coverage_90 < LEAST_COVERAGE_90:
        return f"The 90 % interval covers {coverage_90:.0%} of the training costs, less than {LEAST_COVERAGE_90:.0%}."
    return None


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
