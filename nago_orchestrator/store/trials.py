"""Rows of `trial`: add, read, move between states by compare-and-set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from nago_orchestrator.domain import TRIAL_MOVES, NewTrial, Trial, TrialDesign, TrialState
from nago_orchestrator.errors import NotFoundError, StaleStateError
from nago_orchestrator.store.attempt_rows import ATTEMPT_COLUMNS, attempt_of
from nago_orchestrator.store.records import DrawnTrial
from nago_orchestrator.store.results import RESULT_COLUMNS, trial_result
from nago_orchestrator.store.schema import attempt, proposal, result, study, trial

_ACTIVE = [state for state in TrialState if not state.is_final]


def add(connection: Connection, study_id: int, proposal_number: int, new: Sequence[NewTrial], now: datetime) -> None:
    """One that is infeasible from the start is final at once."""
    if not new:
        return
    proposal_id = connection.scalars(
        select(proposal.c.id).where(proposal.c.study_id == study_id, proposal.c.number == proposal_number)
    ).one()
    last = connection.scalar(select(func.max(trial.c.number)).where(trial.c.study_id == study_id))
    first = 0 if last is None else last + 1
    fixed = {"study_id": study_id, "proposal_id": proposal_id, "created_at": now}
    connection.execute(
        insert(trial),
        [{**fixed, **_values(item, now), "number": number} for number, item in enumerate(new, start=first)],
    )


def _values(new: NewTrial, now: datetime) -> dict[str, Any]:
    values = {item.name: getattr(new, item.name) for item in fields(new)}  # asdict would copy the whole architecture
    reason = values.pop("infeasible")
    state = TrialState.QUEUED if reason is None else TrialState.INFEASIBLE
    return {**values, "infeasible_reason": reason, "state": state, "ended_at": now if state.is_final else None}


def active(connection: Connection, study_id: int) -> tuple[Trial, ...]:
    return _read(connection, trial.c.study_id == study_id, trial.c.state.in_(_ACTIVE))


def some(connection: Connection, study_id: int, ids: Collection[int], beyond: int) -> tuple[Trial, ...]:
    """Those of these ids and those with larger numbers than `beyond`, whatever their state."""
    return _read(connection, trial.c.study_id == study_id, or_(trial.c.id.in_(ids), trial.c.number > beyond))


def _read(connection: Connection, *chosen: ColumnElement[bool]) -> tuple[Trial, ...]:
    attempts = defaultdict(list)
    found = select(*ATTEMPT_COLUMNS).join_from(trial, attempt).where(*chosen).order_by(attempt.c.number)
    for row in connection.execute(found):
        attempts[row.trial_id].append(attempt_of(row))
    rows = connection.execute(
        select(
            trial.c.id,
            trial.c.number,
            trial.c.state,
            trial.c.not_before,
            proposal.c.number.label("proposal"),
            *RESULT_COLUMNS,
        )
        .join_from(trial, proposal, trial.c.proposal_id == proposal.c.id)
        .outerjoin(result, result.c.trial_id == trial.c.id)
        .where(*chosen)
    ).all()
    # Sorted here: asked to sort, SQLite would read the whole study by number instead of the few rows by state.
    return tuple(
        Trial(
            id=row.id,
            number=row.number,
            proposal=row.proposal,
            state=TrialState(row.state),
            not_before=row.not_before,
            attempts=tuple(attempts[row.id]),
            result=trial_result(row),
        )
        for row in sorted(rows, key=lambda row: row.number)
    )


def design(connection: Connection, trial_id: int) -> TrialDesign:
    """Raises NotFoundError."""
    row = connection.execute(
        select(
            study.c.name.label("study"),
            trial.c.number,
            trial.c.architecture,
            trial.c.width,
            trial.c.parameters,
            trial.c.training_seed,
            proposal.c.fidelity,
            proposal.c.final,
        )
        .join_from(trial, study, trial.c.study_id == study.c.id)
        .join(proposal, trial.c.proposal_id == proposal.c.id)
        .where(trial.c.id == trial_id)
    ).one_or_none()
    if row is None:
        raise _unknown(trial_id)
    return TrialDesign(**row._mapping)


def drawn(connection: Connection, study_id: int) -> tuple[DrawnTrial, ...]:
    own = [trial.c[item.name] for item in fields(DrawnTrial) if item.name != "proposal"]
    rows = connection.execute(
        select(*own, proposal.c.number.label("proposal"))
        .join_from(trial, proposal, trial.c.proposal_id == proposal.c.id)
        .where(trial.c.study_id == study_id)
        .order_by(trial.c.number)
    )
    return tuple(DrawnTrial(**row._mapping) for row in rows)


def cancel_queued(connection: Connection, study_id: int, now: datetime) -> None:
    connection.execute(
        update(trial)
        .where(trial.c.study_id == study_id, trial.c.state == TrialState.QUEUED)
        .values(state=TrialState.CANCELLED, ended_at=now, not_before=None)
    )


def move(connection: Connection, trial_id: int, sources: Collection[TrialState], to: TrialState, **values: Any) -> None:
    """Compare-and-set from one of `sources`. Raises StaleStateError where the trial is in none of them."""
    allowed = [source for source in sources if to in TRIAL_MOVES[source]]
    moved = connection.execute(
        update(trial).where(trial.c.id == trial_id, trial.c.state.in_(allowed)).values(state=to, **values)
    )
    if moved.rowcount != 1:
        row = connection.execute(select(trial.c.number, trial.c.state).where(trial.c.id == trial_id)).one_or_none()
        if row is None:
            raise _unknown(trial_id)
        raise StaleStateError(f"Trial {row.number} is {row.state} and cannot become {to}: somebody moved it first.")


def _unknown(trial_id: int) -> NotFoundError:
    return NotFoundError(f"There is no trial with the id {trial_id}.")
