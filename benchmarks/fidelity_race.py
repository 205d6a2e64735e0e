"""Hypervolume over cost of one search on one problem of several fidelities. The peers load it too.

Cost is counted in full evaluations. What counts is the front of what was evaluated at the full fidelity by then.
"""

from __future__ import annotations

from dataclasses import dataclass

import moocore
import numpy as np

from benchmarks.fidelity_problems import Array, FidelityProblem

COST = 120
CHECKPOINTS = tuple(range(10, COST + 1, 10))
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    problem: str
    method: str
    seed: int
    cost: int
    """In full evaluations."""
    share: float
    """Of the best known hypervolume."""


def rows(problem: FidelityProblem, method: str, seed: int, full: list[tuple[float, Array]]) -> list[Row]:
    """`full`: every evaluation at the full fidelity, with what had been spent when it ended."""
    return [
        Row(problem=problem.name, method=method, seed=seed, cost=cost, share=_share(problem, full, cost))
        for cost in CHECKPOINTS
    ]


def _share(problem: FidelityProblem, full: list[tuple[float, Array]], cost: int) -> float:
    front = [costs for spent, costs in full if spent <= cost + _ROUNDING and (costs < 0).all()]
    found = moocore.hypervolume(np.array(front), ref=np.zeros(2)) if front else 0.0
    return round(float(found) / problem.best_hypervolume, 6)
