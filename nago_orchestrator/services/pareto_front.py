"""The Pareto front of a study, measured. Called by `nago-orch pareto`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.rows import GeneratorRow
from nago_orchestrator.errors import InputError
from nago_orchestrator.evaluation.front import MeasuredFront, measure_front
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.services.missing_best import without_value
from nago_orchestrator.services.references import with_references
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store import found, queries
from nago_orchestrator.store.engine import OpenDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceValue:
    """Of the hypervolume's reference point, in one objective."""

    objective: Objective
    value: float
    """In the objective's unit."""
    given: bool
    """Whether the study or the user gives it; else it is the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFront:
    objectives: tuple[Objective, ...]
    """With the references that count."""
    rows: tuple[GeneratorRow, ...]
    measured: MeasuredFront | None
    """None without a point."""
    missing: str
    """Why there is no point; else empty."""

    @property
    def fidelity(self) -> int | None:
        """None without a point."""
        return self.rows[0].fidelity if self.rows else None

    @property
    def reference(self) -> tuple[ReferenceValue, ...]:
        """Empty where nothing was measured."""
        if self.measured is None:
            return ()
        values = _in_units(self.objectives, self.measured.reference)
        return tuple(
            ReferenceValue(objective=item, value=value, given=given)
            for item, value, given in zip(self.objectives, values, self.measured.given, strict=True)
        )

    @property
    def contributions(self) -> tuple[float | None, ...]:
        """The hypervolume that each point alone adds; None where nothing was measured."""
        return (None,) * len(self.rows) if self.measured is None else self.measured.contributions


def study_front(engine: OpenDatabase, study: str, references: Sequence[str], epochs: int | None) -> StudyFront:
    """At that fidelity, else at the highest of the search's newest phase; `references` as `with_references` reads them.

    Raises InputError for a reference that cannot be, and for epochs that are no fidelity of the study.
    """
    status = queries.study_status(engine, study)
    objectives = with_references(status.objectives, references)
    _check_epochs(study, epochs, StudySpec.from_canonical(status.spec).fidelities)
    rows = found.pareto_front(engine, study, epochs)
    return StudyFront(
        objectives=objectives,
        rows=tuple(rows),
        measured=measure_front([row.costs for row in rows], objectives) if rows else None,
        missing="" if rows else f"the study {study} has {_missing(engine, study, epochs)}",
    )


def _in_units(objectives: Sequence[Objective], costs: Sequence[float]) -> list[float]:
    """Costs as the objectives' own values."""
    return [-cost if item.goal is Goal.MAXIMIZE else cost for item, cost in zip(objectives, costs, strict=True)]


def _check_epochs(study: str, epochs: int | None, fidelities: Sequence[int]) -> None:
    if epochs is not None and epochs not in fidelities:
        known = ", ".join(map(str, fidelities))
        raise InputError(f"--epochs {epochs} is no fidelity of the study {study}", do=f"choose one of {known}")


def _missing(engine: OpenDatabase, study: str, epochs: int | None) -> str:
    if found.incumbent(engine, study) is None:
        return without_value(engine, study)
    at = f" after {counted(epochs, 'epoch')}" if epochs is not None else ""
    return f"no generator with a finite value of every objective{at}"
