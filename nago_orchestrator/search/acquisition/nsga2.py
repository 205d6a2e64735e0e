"""pymoo's NSGA-II with our costs and our rounding. Called by evolution.py, the only one to load this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem
from pymoo.core.repair import Repair
from pymoo.optimize import minimize

from nago_orchestrator.search.surrogate.port import Array

PointsTo = Callable[[Array], Array]


class Cheap(Problem):  # type: ignore[misc]  # pymoo is untyped
    """On the unit cube."""

    def __init__(self, costs: PointsTo, *, dimensions: int, objectives: int) -> None:
        super().__init__(n_var=dimensions, n_obj=objectives, xl=0.0, xu=1.0)
        self._costs = costs

    def _evaluate(self, points: Array, out: dict[str, Any], *_: Any, **__: Any) -> None:
        out["F"] = self._costs(points)


class Repaired(Repair):  # type: ignore[misc]  # as above
    def __init__(self, repair: PointsTo) -> None:
        super().__init__()
        self._repair = repair

    def _do(self, _: Any, points: Array, **__: Any) -> Array:
        return self._repair(points)


def last_population(problem: Cheap, repair: Repaired, first: Array, *, size: int, generations: int, seed: int) -> Array:
    """Shape (points, dimensions). `first`: the population that it begins with."""
    algorithm = NSGA2(pop_size=size, sampling=first, repair=repair)
    result = minimize(problem, algorithm, ("n_gen", generations), seed=seed, verbose=False)
    found: Array = np.atleast_2d(result.pop.get("X")).astype(np.float64)
    return found
