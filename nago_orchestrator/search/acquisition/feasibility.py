"""How likely a point can be trained at all, judging by its neighbours. Simple, and right before there is any data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nago_orchestrator.search.surrogate.port import Array

_WIDTH = 0.15
"""Of the kernel, as a share of the unit cube's diagonal."""
_BATCH = 512
"""Points at a time, which bounds the memory."""


def probability_feasible(points: Array, seen: Array, feasible: NDArray[np.bool_]) -> Array:
    """(1 + Σ wᵢ · feasibleᵢ) / (1 + Σ wᵢ), w a Gaussian kernel of the distance: shape (points,), in (0, 1].

    The one in both sums is a prior: a point of which nothing is known counts as feasible, so it will be tried, and the
    first infeasible neighbours halve it. `seen`: shape (evaluations, dimensions).
    """
    if not len(seen) or feasible.all():
        return np.ones(len(points))
    width = _WIDTH * np.sqrt(points.shape[1])
    found = [_share(points[start : start + _BATCH], seen, feasible, width) for start in range(0, len(points), _BATCH)]
    return np.concatenate(found) if found else np.empty(0)


def _share(points: Array, seen: Array, feasible: NDArray[np.bool_], width: float) -> Array:
    squares = ((points[:, None, :] - seen[None, :, :]) ** 2).sum(axis=2)
    weights = np.exp(-squares / (2 * width**2))
    share: Array = (1 + weights @ feasible) / (1 + weights.sum(axis=1))
    return share
