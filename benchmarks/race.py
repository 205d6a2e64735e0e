"""One search on one test problem: batches in, hypervolume regret and CPU seconds of proposing out.

The peers load it too. The regret counts the costs without noise of everything that was evaluated so far.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import moocore
import numpy as np

from benchmarks.problems import Array, Problem

EVALUATIONS, BATCH = 120, 8


class Search(Protocol):
    """Minimises on the unit cube."""

    def ask(self, count: int) -> Array:
        """That many points, shape (count, dimensions)."""
        ...

    def tell(self, points: Array, costs: Array) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    problem: str
    method: str
    seed: int
    evaluations: int
    regret: float
    seconds: float
    """CPU time spent in the search so far."""


def initial_size(problem: Problem) -> int:
    """BoTorch's custom: twice as many points as a linear model needs."""
    return 2 * (problem.dimensions + 1)


def run(problem: Problem, method: str, search: Search, seed: int) -> Iterator[Row]:
    seconds, asked = 0.0, np.empty((0, problem.dimensions))
    while len(asked) < EVALUATIONS:
        count = min(BATCH, EVALUATIONS - len(asked)) if len(asked) else initial_size(problem)
        started = time.process_time()
        points = search.ask(count)
        seconds += time.process_time() - started
        costs = problem.evaluate(points, (seed, len(asked)))
        asked = np.vstack([asked, points])
        started = time.process_time()
        search.tell(points, costs)
        seconds += time.process_time() - started
        yield Row(
            problem=problem.name,
            method=method,
            seed=seed,
            evaluations=len(asked),
            regret=round(regret(problem, asked), 6),
            seconds=round(seconds, 3),
        )


def regret(problem: Problem, points: Array) -> float:
    reference = np.array(problem.reference)
    costs = problem.costs(points)
    inside = costs[(costs < reference).all(axis=1)]
    found = float(moocore.hypervolume(inside, ref=reference)) if len(inside) else 0.0
    return problem.best_hypervolume - found
