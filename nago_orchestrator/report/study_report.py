"""All that a report is made of: plain rows of one study, as the store's queries give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nago_orchestrator.domain import Objective
from nago_orchestrator.report.history import finite_value
from nago_orchestrator.report.panel import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    study: Row
    """name, state, seed, generator, created_at, and whatever else the head of the page can use."""
    objectives: tuple[Objective, ...]
    """The first one orders everything."""
    trials: Sequence[Row]
    epochs: Sequence[Row]
    evaluations: Sequence[Row]
    """In told order."""
    attempts: Sequence[Row]
    made_at: datetime
    drawing: str | None = None
    """The best trial's architecture as SVG."""

    @property
    def objective(self) -> Objective:
        return self.objectives[0]

    @property
    def best(self) -> Row | None:
        """The best evaluation at the highest fidelity that has one; the earliest of equals."""
        rows = [row for row in self.evaluations if finite_value(row, self.objective.name) is not None]
        if not rows:
            return None
        highest = max(row["fidelity"] for row in rows)
        return min(
            (row for row in rows if row["fidelity"] == highest),
            key=lambda row: self.objective.cost(row["objective_values"][self.objective.name]),
        )
