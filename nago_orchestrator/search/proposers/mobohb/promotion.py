"""Which of several evaluated configurations are best: by front, and within a front by hypervolume. Pure.

`proposer.py` promotes by it, `observations.py` divides good from bad by it. Costs have the shape (points, objectives).

Within a front hypervolume decides and not crowding distance: crowding keeps the front evenly spaced in each objective's
own range, flat ends included, while what a study is judged by is the hypervolume. Scaled to the front's own range, so
that no unit counts more than another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nago_orchestrator.evaluation import pareto
from nago_orchestrator.evaluation.pareto import Array

_CORNER = 1.1
"""The reference point in every objective of a front that is scaled to [0, 1]."""


def choose_promoted(costs: Array, promoted: Sequence[int], candidates: Sequence[int]) -> int:
    """The candidate of the best front that adds the most hypervolume to what was promoted before; the first of equals.

    `promoted` and `candidates` are rows of `costs`, which has all that was evaluated at this fidelity.
    """
    ranks = pareto.ranks(costs)
    best = min(ranks[row] for row in candidates)
    tied = [row for row in candidates if ranks[row] == best]
    if len(tied) == 1:
        return tied[0]
    scaled = _scale(costs, ranks <= best)
    corner = np.full(costs.shape[1], _CORNER)
    volumes = [pareto.hypervolume(scaled[[*promoted, row]], corner) for row in tied]
    return tied[int(np.argmax(volumes))]


def best_rows(costs: Array, count: int) -> list[int]:
    """Rows of the `count` best points: whole fronts, and of the last one those left when the least contributing go.

    The greedy selection of SMS-EMOA (Beume et al., 2007), also in MOTPE (Ozaki et al., 2020). All costs are finite.
    """
    chosen: list[int] = []
    ranks = pareto.ranks(costs)
    for rank in range(int(ranks.max(initial=-1)) + 1):
        front = np.flatnonzero(ranks == rank)
        room = count - len(chosen)
        chosen += front[_drop_least_contributors(costs[front], room)].tolist() if len(front) > room else front.tolist()
        if len(chosen) >= count:
            break
    return chosen


def _drop_least_contributors(front: Array, count: int) -> NDArray[np.int64]:
    """Rows of a front that are left after the least contributor has been taken away, again and again."""
    scaled = _scale(front, np.ones(len(front), dtype=bool))
    corner = np.full(front.shape[1], _CORNER)
    left = np.arange(len(front))
    while len(left) > count:
        left = np.delete(left, np.argmin(pareto.contributions(scaled[left], corner)))
    return left


def _scale(costs: Array, within: NDArray[np.bool_]) -> Array:
    """So that the chosen rows span [0, 1]; an objective in which they are all equal becomes 0 for them."""
    low, high = costs[within].min(axis=0), costs[within].max(axis=0)
    return np.asarray((costs - low) / np.where(high > low, high - low, 1.0), dtype=np.float64)
