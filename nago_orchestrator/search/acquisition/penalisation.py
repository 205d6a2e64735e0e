"""Hard local penalisation: keeps the points of a batch apart (Alvi et al., 2019; Ru et al., 2020, algorithm 2).

For one objective, with the model's posterior mean μ and standard deviation σ at a chosen point Θⱼ, a Lipschitz constant
L of the mean, and the value to beat M, a point Θ is penalised by

    φ(Θ | Θⱼ) = min{ L ‖Θ − Θⱼ‖ / (|μ(Θⱼ) − M| + σ(Θⱼ)), 1 }.

A ball around Θⱼ is left out, in which the objective cannot fall to M if its slope is at most L. For several objectives
the paper leaves open what this means. Here:

* The value to beat is that of the constrained problem: Mᵢ(Θⱼ) is the smallest cost of objective i among what was
  evaluated and is at least as good as μ(Θⱼ) in every other objective. A point on the front beats its neighbours on it,
  not the best value anywhere, so the ball keeps its meaning along the whole front. With one objective this is the best
  so far; where nothing is as good in the others, μᵢ(Θⱼ) itself is beaten already and the ball is σᵢ / Lᵢ.
* A point can be left out only where *no* objective can improve: of the objectives' balls the smallest counts,
  φ = maxᵢ φᵢ. Cheap objectives have no part in it: there is nothing to be learnt of them around Θⱼ.
"""

from __future__ import annotations

import numpy as np

from nago_orchestrator.search.acquisition.functions import Uncertainty, deviation
from nago_orchestrator.search.surrogate.port import Array, Surrogate

_FLATTEST, _IF_FLAT = 1e-7, 10.0
"""PLAyBOOK's rule: a mean without a slope is taken to have this one."""
_SMALLEST_BALL = 1e-6


def lipschitz_constants(surrogate: Surrogate, points: Array) -> Array:
    """Largest slope of the predictive mean over the points given, per objective, shape (objectives,)."""
    slopes = np.linalg.norm(surrogate.mean_gradient(points), axis=2).max(axis=0)
    steep: Array = np.where(np.isfinite(slopes) & (slopes > _FLATTEST), slopes, _IF_FLAT)
    return steep


def values_to_beat(costs: Array, evaluated: Array) -> Array:
    """M for each chosen point and objective: both arrays and the answer have the shape (points, objectives)."""
    objectives = costs.shape[1]
    found = costs.copy()
    for objective in range(objectives):
        others = [other for other in range(objectives) if other != objective]
        as_good = (evaluated[None, :, others] <= costs[:, None, others]).all(axis=2)
        best = np.where(as_good, evaluated[None, :, objective], np.inf).min(axis=1, initial=np.inf)
        found[:, objective] = np.where(np.isfinite(best), best, costs[:, objective])
    return found


def ball_radii(
    surrogate: Surrogate, chosen: Array, gaps: Array, slopes: Array, uncertainty: Uncertainty = Uncertainty.EPISTEMIC
) -> Array:
    """The radius of each chosen point's ball, shape (chosen,). `gaps`: |μ − M|, shape (chosen, learnt objectives)."""
    reach = gaps + deviation(surrogate.predict(chosen), uncertainty)
    radii: Array = np.maximum((reach / slopes).min(axis=1), _SMALLEST_BALL)
    return radii


def penalty(points: Array, chosen: Array, radii: Array) -> Array:
    """∏ⱼ φ(Θ | Θⱼ), shape (points,), in [0, 1]; 1 where nothing is chosen."""
    distances = np.linalg.norm(points[:, None, :] - chosen[None, :, :], axis=2)
    product: Array = np.minimum(distances / radii, 1.0).prod(axis=1)
    return product
