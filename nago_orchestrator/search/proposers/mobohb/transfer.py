"""From costs at several fidelities to one estimate at the highest: what a short training says of a long one. Pure.

`observations.py` calls it, so that one model learns from every evaluation, wherever it was made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nago_orchestrator.evaluation.pareto import Array

_SLOPES = (0.2, 5.0)
"""A line that few pairs gave is never so steep or flat that it takes the order away."""


def carry_up(costs: Array) -> Array:
    """Estimated costs at the highest fidelity, shape (points, objectives).

    `costs` has the shape (fidelities, points, objectives), fidelities ascending, NaN where a point was not evaluated.
    A point's own cost at its highest fidelity is carried by a line per objective through the points that were evaluated
    there and above; estimates above are carried already, so the lines form a chain. A point without any stays NaN.
    """
    estimate: Array = costs[-1].copy()
    for level in costs[-2::-1]:
        has_level, has_estimate = _evaluated(level), _evaluated(estimate)
        pairs, new = has_level & has_estimate, has_level & ~has_estimate
        for objective in range(costs.shape[2]):
            line = _line(level[pairs, objective], estimate[pairs, objective], level[has_level, objective])
            estimate[new, objective] = line[0] + line[1] * level[new, objective]
    return estimate


def _line(below: Array, above: Array, everywhere: Array) -> tuple[float, float]:
    """Offset and slope by least squares, as if one more pair, as far out as the level is wide, had slope 1."""
    if not len(below):
        return 0.0, 1.0
    centred = below - below.mean()
    prior = float(np.var(everywhere))
    squares = float(centred @ centred) + prior
    slope = (float(centred @ (above - above.mean())) + prior) / squares if squares > 0 else 1.0
    slope = float(np.clip(slope, *_SLOPES)) if np.isfinite(slope) else 1.0
    return float(above.mean() - slope * below.mean()), slope


def _evaluated(costs: Array) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(costs).any(axis=1))
