"""Acquisition functions, objective by objective: what USeMO's cheap problem minimises.

Only the order of the values counts there, so each is given in the form that is exact in floating point. Sources:
expected improvement, Jones, Schonlau and Welch (1998, equation 15), in logarithms as Ament et al. (2023); confidence
bounds, Srinivas et al. (2010); Thompson sampling is `Surrogate.draw` itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import erfcx, log_ndtr

from nago_orchestrator.search.surrogate.port import Array, Prediction, Surrogate

_LEAST_DEVIATION = 1e-9
_LOG_ROOT_TAU = 0.5 * np.log(2 * np.pi)


class AcquisitionFunction(StrEnum):
    EXPECTED_IMPROVEMENT = "expected-improvement"
    CONFIDENCE_BOUND = "confidence-bound"
    THOMPSON = "thompson"


class Uncertainty(StrEnum):
    """Which variance of the model an acquisition means."""

    EPISTEMIC = "epistemic"
    """That of the function alone: what evaluations can reduce. Loud regions are no goal in themselves."""
    TOTAL = "total"
    """With the noise of an evaluation, as the paper writes its predictive variance."""


def deviation(prediction: Prediction, uncertainty: Uncertainty) -> Array:
    """Standard deviation at each point, shape (points, objectives), above 0."""
    noise = prediction.aleatoric if uncertainty is Uncertainty.TOTAL else 0.0
    found: Array = np.maximum(np.sqrt(prediction.epistemic + noise), _LEAST_DEVIATION)
    return found


def log_expected_improvement(mean: Array, deviations: Array, best: Array) -> Array:
    """ln E[max(best − f, 0)] with f ~ N(mean, deviation²), shape (points, objectives).

    With z = (best − mean)/deviation it is ln deviation + ln(φ(z) + z Φ(z)); below z = −1 in the form
    ln φ(z) + ln(1 + z · Φ(z)/φ(z)), Φ/φ by the scaled complementary error function, and for very negative z by the
    first term of its asymptotic series, 1/z².
    """
    z = (best - mean) / deviations
    near = np.maximum(z, -1.0)
    direct = np.log(np.exp(-0.5 * near**2 - _LOG_ROOT_TAU) + near * np.exp(log_ndtr(near)))
    far = np.minimum(z, -1.0)
    ratio = np.sqrt(np.pi / 2) * erfcx(-far / np.sqrt(2))
    rest = np.where(far > -1e3, np.log(np.maximum(1 + far * ratio, 1e-300)), -2 * np.log(-far))
    found: Array = np.log(deviations) + np.where(z > -1.0, direct, -0.5 * far**2 - _LOG_ROOT_TAU + rest)
    return found


def confidence_bound(mean: Array, deviations: Array, exploration: float) -> Array:
    """The lower bound mean − exploration · deviation, shape (points, objectives): optimism, for costs."""
    bound: Array = mean - exploration * deviations
    return bound


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionOptions:
    function: AcquisitionFunction = AcquisitionFunction.EXPECTED_IMPROVEMENT
    uncertainty: Uncertainty = Uncertainty.EPISTEMIC
    exploration: float = 2.0
    """Standard deviations below the mean, of the confidence bound alone."""


def acquisition_values(surrogate: Surrogate, points: Array, best: Array, options: FunctionOptions, seed: int) -> Array:
    """What to minimise at points, shape (points, objectives). `best`: the costs to improve on, shape (objectives,).

    `seed` names the function that Thompson sampling goes by; the same seed, the same function.
    """
    if options.function is AcquisitionFunction.THOMPSON:
        return surrogate.draw(points, seed)
    prediction = surrogate.predict(points)
    deviations = deviation(prediction, options.uncertainty)
    if options.function is AcquisitionFunction.CONFIDENCE_BOUND:
        return confidence_bound(prediction.mean, deviations, options.exploration)
    return -log_expected_improvement(prediction.mean, deviations, best)
