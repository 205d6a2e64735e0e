"""The hypervolume after each evaluation of a search, of generators as the command `pareto` counts them."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.domain.generator_key import generator_key
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.evaluation.generator_results import merge_generators
from nago_orchestrator.evaluation.pareto import hypervolume, non_dominated
from nago_orchestrator.report.study_report import finite_value

Point = Sequence[float]
"""Costs of a generator, the means over its networks."""


class Growth:
    """The front of what has been told so far."""

    def __init__(self, objectives: Sequence[Objective], reference: Point) -> None:
        self._objectives = objectives
        self._reference = reference
        self._told: dict[object, list[EvaluationRow]] = {}
        self._points: dict[object, Point] = {}
        self._front: list[Point] = []
        self._volume = 0.0

    def tell(self, row: EvaluationRow) -> float:
        """An evaluation of the fidelity that is compared. Returns the hypervolume then: less than before where a
        generator that is evaluated again turns out worse."""
        key = generator_key(row.canonical_theta)
        again = key in self._told
        self._told.setdefault(key, []).append(row)
        point = generator_costs(self._told[key], self._objectives)
        self._points.pop(key, None)
        new = [] if point is None or not self._is_inside(point) else [point]
        if new:
            self._points[key] = new[0]
        if new or again:
            known = list(self._points.values()) if again else [*self._front, *new]
            self._front = non_dominated_points(known)
            self._volume = hypervolume(self._front, self._reference) if self._front else 0.0
        return self._volume

    def _is_inside(self, point: Point) -> bool:
        return all(own < worst for own, worst in zip(point, self._reference, strict=True))


def generator_costs(rows: Sequence[EvaluationRow], objectives: Sequence[Objective]) -> Point | None:
    """Of one generator's evaluations at one fidelity; None unless all of them are finite."""
    (merged,) = merge_generators(rows, objectives, rows[0].fidelity)
    if any(finite_value(merged, item.name) is None for item in objectives):
        return None
    return [item.cost(merged.objective_values[item.name]) for item in objectives]


def non_dominated_points(points: Sequence[Point]) -> list[Point]:
    return [point for point, best in zip(points, non_dominated(points), strict=True) if best] if points else []


def is_compared(row: EvaluationRow, fidelity: int | None) -> bool:
    return bool(row.outcome == Outcome.OK and row.fidelity == fidelity)
