"""NSGA-II (Deb et al., 2002) on a cheap vector function over the search cube.

Integers are rounded within the search: every point that is evaluated is one that a theta stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    # Here, because pymoo takes half a second to load, and many processes ask for no batch.
    from nago_orchestrator.search.acquisition import nsga2

    looked_at = list[Array]()

    def seen(points: Array) -> Array:
        looked_at.append(points)
        return costs(points)

    first = _without_repetitions(repair(start))
    population = nsga2.last_population(
        nsga2.Cheap(seen, dimensions=start.shape[1], objectives=costs(first[:1]).shape[1]),
        nsga2.Repaired(repair),
        first,
        size=options.population,
        generations=options.generations,
        seed=seed,
    )
    return Evolved(population=_without_repetitions(population), looked_at=_without_repetitions(np.vstack(looked_at)))


def _without_repetitions(points: Array) -> Array:
    """The first of equal ones, in their order: sorted ones would be cut to a corner by whoever takes the first few."""
    _, first = np.unique(points, axis=0, return_index=True)
    found: Array = points[np.sort(first)]
    return found
