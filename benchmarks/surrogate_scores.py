"""How well a fit foretells costs that it has not seen, read in two ways.

As a normal distribution with the predictive mean and variance, which is what the paper's formula gives and acquisitions
use; and as what the posterior itself says, the mixture of one normal distribution per network: its tails are longer and
its middle is narrower wherever the networks differ about the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from nago_orchestrator.search.surrogate.fitted import FittedSurrogate
from nago_orchestrator.search.surrogate.normalisation import normalise_points
from nago_orchestrator.search.surrogate.port import Array
from nago_orchestrator.search.surrogate.sampling import evaluate


class Scores(NamedTuple):
    """On points that were not trained on."""

    likelihood: float
    """Negative log likelihood per cost, in nats."""
    within_half: float
    """Share of the costs in the central interval of 50 %."""
    within_most: float
    """The same of 90 %."""


class Gains(NamedTuple):
    """In nats per cost, over splits: what one fit is ahead of another on the same split."""

    lower: float
    """Quartile, as `upper`."""
    median: float
    upper: float


def gains(own: Sequence[Scores], other: Sequence[Scores]) -> Gains:
    """Of fits of the same splits in the same order: splits differ more from one another than fits of one do."""
    ahead = [theirs.likelihood - mine.likelihood for mine, theirs in zip(own, other, strict=True)]
    return Gains(*np.quantile(ahead, [0.25, 0.5, 0.75]).tolist())


def median_scores(scores: Sequence[Scores]) -> Scores:
    """Of each score on its own."""
    return Scores(*np.median(scores, axis=0).tolist())


def normal_scores(fitted: FittedSurrogate, points: Array, costs: Array) -> Scores:
    """Of one objective, `costs` of shape (points, 1)."""
    predicted = fitted.predict(points)
    deviation = np.sqrt(predicted.epistemic + predicted.aleatoric)
    log_densities = np.asarray(norm.logpdf(costs, predicted.mean, deviation))
    return _scores(log_densities, np.asarray(norm.cdf(costs, predicted.mean, deviation)))


def mixture_scores(fitted: FittedSurrogate, points: Array, costs: Array) -> Scores:
    """Of one objective, `costs` of shape (points, 1)."""
    inputs = jnp.asarray(normalise_points(points).T, jnp.float32)
    means, noises = (np.asarray(part[0]) for part in evaluate(fitted.networks, inputs, fitted.heteroscedastic))
    normalised = fitted.scale.normalise(costs)[:, 0]
    deviations = np.sqrt(noises)
    log_densities = logsumexp(norm.logpdf(normalised, means, deviations), axis=0) - np.log(len(means))
    below = np.mean(norm.cdf(normalised, means, deviations), axis=0)
    return _scores(log_densities - np.log(fitted.scale.deviation[0]), below)


def mean_error(fitted: FittedSurrogate, points: Array, costs: Array) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean((costs - fitted.predict(points).mean) ** 2)))


def _scores(log_densities: Array, below: Array) -> Scores:
    """`below`: how much of the distribution lies below each cost."""
    away = np.abs(below - 0.5)
    return Scores(-float(np.mean(log_densities)), float(np.mean(away < 0.25)), float(np.mean(away < 0.45)))
