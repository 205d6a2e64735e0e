"""NSGA-II (Deb et al., 2002) by pymoo on a cheap vector function over the search cube.

Integers are rounded within the search: every point that is evaluated is one that a theta stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nago_orchestrator.search.surrogate.port import Array

PointsTo = Callable[[Array], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionOptions:
    population: int = 100
    generations: int = 25
    """USeMO's 2,500 evaluations of the cheap problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolved:
    """Points without repetitions, shape (points, dimensions)."""

    population: Array
    """The last one."""
    looked_at: Array
    """All that were evaluated, in their order."""


def evolve(costs: PointsTo, repair: PointsTo, start: Array, options: EvolutionOptions, seed: int) -> Evolved:
    """`costs`: from points to finite numbers to minimise, shape (points, objectives). `repair`: to the nearest points
    that may be evaluated. `start`: the first population, of any size from one point on; later ones have
    `options.population` at most.
    """
    # Here, because pymoo takes half a second to load, and many a process asks for no batch.
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.core.repair import Repair
    from pymoo.optimize import minimize

    looked_at = list[Array]()

    class Cheap(Problem):  # type: ignore[misc]  # pymoo is untyped
        def _evaluate(self, points: Array, out: dict[str, Any], *_: Any, **__: Any) -> None:
            looked_at.append(points)
            out["F"] = costs(points)

    class Rounding(Repair):  # type: ignore[misc]  # as above
        def _do(self, _: Any, points: Array, **__: Any) -> Array:
            return repair(points)

    first = _without_repetitions(repair(start))
    problem = Cheap(n_var=start.shape[1], n_obj=costs(first[:1]).shape[1], xl=0.0, xu=1.0)
    algorithm = NSGA2(pop_size=options.population, sampling=first, repair=Rounding())
    result = minimize(problem, algorithm, ("n_gen", options.generations), seed=seed, verbose=False)
    population = np.atleast_2d(result.pop.get("X")).astype(np.float64)
    return Evolved(population=_without_repetitions(population), looked_at=_without_repetitions(np.vstack(looked_at)))


def _without_repetitions(points: Array) -> Array:
    """The first of equal ones, in their order: sorted ones would be cut to a corner by whoever takes the first few."""
    _, first = np.unique(points, axis=0, return_index=True)
    found: Array = points[np.sort(first)]
    return found
