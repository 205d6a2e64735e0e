"""By how much a new point would enlarge the dominated hypervolume: exact, for many points and one front at a time."""

from __future__ import annotations

import numpy as np

from nago_orchestrator.evaluation.pareto import non_dominated
from nago_orchestrator.search.surrogate.port import Array


def free_boxes(front: Array, reference: Array) -> tuple[Array, Array]:
    """Disjoint boxes that together are all costs below the reference that no point of the front dominates.

    Their lower and upper corners, each of shape (boxes, objectives); the lower ones may be −∞. `front`: shape (points,
    objectives), may hold dominated points or none.
    """
    inside = front[(front < reference).all(axis=1)]
    if len(inside):
        inside = inside[non_dominated(inside)]
    return _boxes(inside, reference)


def _boxes(front: Array, reference: Array) -> tuple[Array, Array]:
    """By slices along the last objective: within one, the points that reach it dominate as in the other objectives.

    A box that stays the same from one slice to the next is one box; so n points in three objectives make about 2n.
    """
    if len(reference) <= 2:
        return _strips(front, reference)
    ordered = front[np.argsort(front[:, -1], kind="stable")]
    ends = np.append(ordered[:, -1], reference[-1])
    low, begun = -np.inf, dict[tuple[float, ...], float]()
    closed = list[tuple[tuple[float, ...], float, float]]()
    for reached, high in enumerate(ends.tolist()):
        if low < high:
            flat = {tuple(row) for row in np.hstack(_boxes(ordered[:reached, :-1], reference[:-1])).tolist()}
            closed += [(box, begun.pop(box), low) for box in list(begun) if box not in flat]
            begun |= {box: low for box in flat if box not in begun}
            low = high
    closed += [(box, start, low) for box, start in begun.items()]
    table = np.array([(*box, start, end) for box, start, end in closed])
    half = len(reference) - 1
    return table[:, [*range(half), -2]], table[:, [*range(half, 2 * half), -1]]


def _strips(front: Array, reference: Array) -> tuple[Array, Array]:
    """Of one or two objectives: between neighbours along the first, all that is below the last."""
    first = np.append(front[:, 0], reference[0])
    if len(reference) == 1:
        return np.full((1, 1), -np.inf), np.full((1, 1), first.min())
    order = np.argsort(front[:, 0], kind="stable")
    heights = np.minimum.accumulate(np.append(reference[1], front[order, 1]))
    left, right = np.append(-np.inf, front[order, 0]), np.append(front[order, 0], reference[0])
    real = left < right
    left, heights = left[real], heights[real]
    # Where the height stays the same, the point between is dominated: one strip.
    begins = np.append(True, heights[1:] < heights[:-1])
    lower = np.column_stack([left[begins], np.full(begins.sum(), -np.inf)])
    return lower, np.column_stack([np.append(left[begins][1:], reference[0]), heights[begins]])


def improvements(costs: Array, lower: Array, upper: Array) -> Array:
    """Hypervolume that each point would add, shape (points,): what it dominates of the free boxes."""
    volume = np.ones((len(costs), len(lower)))
    for objective in range(costs.shape[1]):
        below = np.maximum(lower[None, :, objective], costs[:, None, objective])
        volume *= np.maximum(upper[None, :, objective] - below, 0.0)
    found: Array = volume.sum(axis=1)
    return found
