"""By how much a new point would enlarge the dominated hypervolume: exact, for many points and one front at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nago_orchestrator.pareto import non_dominated
from nago_orchestrator.surrogate.port import Array


def free_boxes(front: Array, reference: Array) -> tuple[Array, Array]:
    """Disjoint boxes that together are all costs below the reference that no point of the front dominates.

    Their lower and upper corners, each of shape (boxes, objectives); the lower ones may be −∞. `front`: shape (points,
    objectives), may hold dominated points or none. A front of n points makes at most (n + 1)^(objectives − 1) boxes.
    """
    inside = front[(front < reference).all(axis=1)]
    if len(inside):
        inside = inside[non_dominated(inside)]
    lower, upper = zip(*_slabs(inside, reference), strict=True)
    return np.array(lower), np.array(upper)


def _slabs(front: Array, reference: Array) -> Iterator[tuple[tuple[float, ...], tuple[float, ...]]]:
    """By slices along the last objective: within one, the points that reach it dominate as in the other objectives."""
    if len(reference) == 1:
        yield (-np.inf,), (float(min(front[:, 0].min(initial=np.inf), reference[0])),)
        return
    ordered = front[np.argsort(front[:, -1], kind="stable")]
    levels = [-np.inf, *ordered[:, -1].tolist(), float(reference[-1])]
    for reached, (low, high) in enumerate(zip(levels[:-1], levels[1:], strict=True)):
        if low < high:
            for lower, upper in _slabs(ordered[:reached, :-1], reference[:-1]):
                yield (*lower, low), (*upper, high)


def improvements(costs: Array, lower: Array, upper: Array) -> Array:
    """Hypervolume that each point would add, shape (points,): what it dominates of the free boxes."""
    volume = np.ones((len(costs), len(lower)))
    for objective in range(costs.shape[1]):
        below = np.maximum(lower[None, :, objective], costs[:, None, objective])
        volume *= np.maximum(upper[None, :, objective] - below, 0.0)
    found: Array = volume.sum(axis=1)
    return found
