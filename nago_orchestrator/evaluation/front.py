"""A Pareto front measured: its hypervolume, and from where. Pure; called by the commands and by the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.evaluation.pareto import contributions, default_reference, hypervolume, non_dominated


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFront:
    reference: tuple[float, ...]
    """The worst costs that count, in the order of the objectives."""
    given: tuple[bool, ...]
    """Whether the study file says so, or the rule of `pareto.default_reference`."""
    hypervolume: float
    """In the product of the objectives' units."""
    contributions: tuple[float, ...]
    """Of each point, in the order of the costs."""
    share: float | None
    """The hypervolume as a part of the box between the reference and `perfect`; None where that box is empty."""


def measure_front(costs: ArrayLike, objectives: Sequence[Objective]) -> MeasuredFront | None:
    """`costs`: of the points, shape (points, objectives). None where no point is finite."""
    table = np.asarray(costs, dtype=np.float64).reshape(-1, len(objectives))
    reference = reference_point(table, objectives)
    if reference is None:
        return None
    volume = hypervolume(table, reference)
    box = [worst - item.cost(perfect(item)) for item, worst in zip(objectives, reference, strict=True)]
    return MeasuredFront(
        reference=reference,
        given=tuple(objective.reference is not None for objective in objectives),
        hypervolume=volume,
        contributions=tuple(contributions(table, reference).tolist()),
        share=volume / prod(box) if min(box) > 0 else None,
    )


def front_indices(costs: ArrayLike) -> list[int]:
    """Of the points that no other dominates, each once, in rising order of the first cost. `costs`: as `measure_front`.

    Of equal points the first stands for all.
    """
    table = np.asarray(costs, dtype=np.float64)
    if not len(table):
        return []
    first = {tuple(table[index].tolist()): index for index in reversed(np.flatnonzero(non_dominated(table)).tolist())}
    return [index for _, index in sorted(first.items())]


def perfect(objective: Objective) -> float:
    """The value that no network can be better than: 1 for every maximised objective, 0 for every minimised one."""
    return 1.0 if objective.goal is Goal.MAXIMIZE else 0.0


def reference_point(costs: ArrayLike, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """The study's own reference for each objective that has one, the default rule for the others."""
    table = np.asarray(costs, dtype=np.float64).reshape(-1, len(objectives))
    given = [None if item.reference is None else item.cost(item.reference) for item in objectives]
    if None not in given:
        return tuple(float(cost) for cost in given if cost is not None)
    if not np.isfinite(table).all(axis=1).any():
        return None
    default = default_reference(table).tolist()
    return tuple(rule if cost is None else cost for cost, rule in zip(given, default, strict=True))
