"""A Pareto front measured: its hypervolume, and from where. Pure; called by the commands and by the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nago_orchestrator.domain import Objective
from nago_orchestrator.pareto import contributions, default_reference, hypervolume


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


def measure_front(costs: ArrayLike, objectives: Sequence[Objective]) -> MeasuredFront | None:
    """`costs`: of the points, shape (points, objectives). None where no point is finite."""
    table = np.asarray(costs, dtype=np.float64).reshape(-1, len(objectives))
    reference = reference_point(table, objectives)
    if reference is None:
        return None
    return MeasuredFront(
        reference=reference,
        given=tuple(objective.reference is not None for objective in objectives),
        hypervolume=hypervolume(table, reference),
        contributions=tuple(contributions(table, reference).tolist()),
    )


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
