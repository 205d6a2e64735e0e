"""Rows of `trial`: add, read, move between states by compare-and-set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, insert, select, update

from nago_orchestrator.domain.states import TRIAL_MOVES, TrialState
from nago_orchestrator.domain.trials import NewTrial, RungTrial, Trial, TrialDesign
from nago_orchestrator.errors import NotFoundError, StaleStateError
from nago_orchestrator.store.attempt_rows import ATTEMPT_COLUMNS, attempt_of
from nago_orchestrator.store.records import DrawnTrial
from nago_orchestrator.store.results import RESULT_COLUMNS, trial_result
from nago_orchestrator.store.schema import attempt, proposal, result, study, trial

_ACTIVE = [state for state in TrialState if not state.is_final]

# Built once: the loop runs each of them for every trial, and building costs as much as running.
_this = trial.c.id == bindparam("of_trial")
_of_study = trial.c.study_id == bindparam("of_study")
_LAST_NUMBER = select(func.max(trial.c.number)).where(_of_study)
_INSERT = insert(trial)
_CLAIM = (
    select(trial.c.id)
    .where(trial.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(trial.c.id)
    .with_for_update(skip_locked=True, key_share=True)
)
_MOVE = update(trial).where(_this, trial.c.state == bindparam("source"))
_earlier, _parent = trial.alias(), proposal.alias()
_CONTINUED_FROM = (
    select(_earlier.c.number)
    .join_from(_earlier, _parent, _earlier.c.proposal_id == _parent.c.id)
    .where(
        proposal.c.run_of.is_not(None),
        _parent.c.study_id == proposal.c.study_id,
        _parent.c.number == proposal.c.parent,
        _earlier.c.replicate == trial.c.replicate,
    )
    .correlate(proposal, trial)
    .scalar_subquery()
    .label("continued_from")
)
_DESIGN = (
    select(
        study.c.name.label("study"),
        trial.c.number,
        trial.c.architecture,
        trial.c.width,
        trial.c.parameters,
        trial.c.bytes_per_sample,
        trial.c.training_seed,
        proposal.c.fidelity,
        proposal.c.final_training,
        proposal.c.run_of,
        _CONTINUED_FROM,
    )
    .join_from(trial, study, trial.c.study_id == study.c.id)
    .join(proposal, trial.c.proposal_id == proposal.c.id)
    .where(_this)
)


_RUNGS = (
    select(
        trial.c.number,
        trial.c.state,
        proposal.c.number.label("proposal"),
        proposal.c.parent,
        proposal.c.phase,
        proposal.c.bracket,
        proposal.c.fidelity,
    )
    .join_from(trial, proposal, trial.c.proposal_id == proposal.c.id)
    .where(_of_study, ~proposal.c.final_training)
    .order_by(trial.c.number)
)


@dataclass(frozen=True, slots=True)
class _Choice:
    """The same trials, first by their attempts and then by themselves."""

    attempts: Select[Any]
    trials: Select[Any]

    @classmethod
    def of(cls, *chosen: ColumnElement[bool]) -> _Choice:
        return cls(
            attempts=select(*ATTEMPT_COLUMNS).join_from(trial, attempt).where(*chosen).order_by(attempt.c.number),
            # Not sorted: asked to sort, SQLite would read the whole study by number instead of the few rows by state.
            trials=select(
                trial.c.id,
                trial.c.number,
                trial.c.state,
                trial.c.not_before,
                trial.c.parameters,
                proposal.c.fidelity,
                proposal.c.number.label("proposal"),
                *RESULT_COLUMNS,
            )
            .join_from(trial, proposal, trial.c.proposal_id == proposal.c.id)
            .outerjoin(result, result.c.trial_id == trial.c.id)
            .where(*chosen),
        )


_ACTIVE_TRIALS = _Choice.of(_of_study, trial.c.state.in_(_ACTIVE))
# Two statements: by an OR of both, neither database uses its indexes, and all trials of the study would be read.
_TRIALS_OF_IDS = _Choice.of(trial.c.id.in_(bindparam("ids", expanding=True)))
_TRIALS_BEYOND = _Choice.of(_of_study, trial.c.number > bindparam("beyond"))


def add(connection: Connection, study_id: int, proposal_id: int, new: Sequence[NewTrial], now: datetime) -> None:
    """One that is infeasible from the start is final at once."""
    if not new:
        return
    last = connection.scalar(_LAST_NUMBER, {"of_study": study_id})
    first = 0 if last is None else last + 1
    fixed = {"study_id": study_id, "proposal_id": proposal_id, "created_at": now}
    rows = [{**fixed, **_values(item, now), "number": number} for number, item in enumerate(new, start=first)]
    connection.execute(_INSERT, rows)


def _values(new: NewTrial, now: datetime) -> dict[str, Any]:
    values = {item.name: getattr(new, item.name) for item in fields(new)}  # asdict would copy the whole architecture
    reason = values.pop("infeasible")
    state = TrialState.QUEUED if reason is None else TrialState.INFEASIBLE
    return {**values, "infeasible_reason": reason, "state": state, "ended_at": now if state.is_final else None}


def active(connection: Connection, study_id: int) -> tuple[Trial, ...]:
    return _read(connection, _ACTIVE_TRIALS, {"of_study": study_id})


def some(connection: Connection, study_id: int, ids: Collection[int], beyond: int | None) -> tuple[Trial, ...]:
    """Those of these ids and those with larger numbers than `beyond`, whatever their state."""
    found = _read(connection, _TRIALS_OF_IDS, {"ids": list(ids)}) if ids else ()
    if beyond is None:
        return found
    new = _read(connection, _TRIALS_BEYOND, {"of_study": study_id, "beyond": beyond})
    return *(trial for trial in found if trial.number <= beyond), *new


def _read(connection: Connection, choice: _Choice, given: Mapping[str, Any]) -> tuple[Trial, ...]:
    attempts = defaultdict(list)
    for row in connection.execute(choice.attempts, given):
        attempts[row.trial_id].append(attempt_of(row))
    rows = connection.execute(choice.trials, given).all()
    return tuple(
        Trial(
            id=row.id,
            number=row.number,
            proposal=row.proposal,
            state=TrialState(row.state),
            not_before=row.not_before,
            attempts=tuple(attempts[row.id]),
            epochs=row.fidelity,
            parameters=row.parameters,
            result=trial_result(row),
        )
        for row in sorted(rows, key=lambda row: row.number)
    )


def design(connection: Connection, trial_id: int) -> TrialDesign:
    """Raises NotFoundError."""
    row = connection.execute(_DESIGN, {"of_trial": trial_id}).one_or_none()
    if row is None:
        raise _unknown(trial_id)
    return TrialDesign(**row._mapping)


def of_rungs(connection: Connection, study_id: int) -> tuple[RungTrial, ...]:
    """All of the search, in the order of their numbers."""
    rows = connection.execute(_RUNGS, {"of_study": study_id})
    return tuple(
        RungTrial(
            number=row.number,
            proposal=row.proposal,
            parent=row.parent,
            phase=row.phase,
            bracket=row.bracket,
            fidelity=row.fidelity,
            is_final=TrialState(row.state).is_final,
        )
        for row in rows
    )


def drawn(connection: Connection, study_id: int) -> tuple[DrawnTrial, ...]:
    own = [trial.c[item.name] for item in fields(DrawnTrial) if item.name != "proposal"]
    rows = connection.execute(
        select(*own, proposal.c.number.label("proposal"))
        .join_from(trial, proposal, trial.c.proposal_id == proposal.c.id)
        .where(trial.c.study_id == study_id)
        .order_by(trial.c.number)
    )
    return tuple(DrawnTrial(**row._mapping) for row in rows)


def claim(connection: Connection, ids: Collection[int]) -> frozenset[int]:
    """Locks those that nobody else has locked, until the end of the transaction.

    On SQLite, whoever writes has the whole file.
    """
    if connection.dialect.name != "postgresql":
        return frozenset(ids)
    return frozenset(connection.execute(_CLAIM, {"ids": list(ids)}).scalars())


def cancel_queued(connection: Connection, study_id: int, now: datetime) -> None:
    """But for those that somebody has locked: they stay queued."""
    free = select(trial.c.id).where(trial.c.study_id == study_id, trial.c.state == TrialState.QUEUED)
    connection.execute(
        update(trial)
        .where(trial.c.id.in_(free.with_for_update(skip_locked=True, key_share=True)))
        .values(state=TrialState.CANCELLED, ended_at=now, not_before=None)
    )


def move(connection: Connection, trial_id: int, source: TrialState, to: TrialState, **values: Any) -> None:
    """Compare-and-set. Raises StaleStateError where the trial is not in the state `source`."""
    if to not in TRIAL_MOVES[source]:
        raise ValueError(f"a trial that is {source} cannot become {to}")
    moved = connection.execute(_MOVE, {"of_trial": trial_id, "source": source, "state": to, **values})
    if moved.rowcount != 1:
        row = connection.execute(select(trial.c.number, trial.c.state).where(trial.c.id == trial_id)).one_or_none()
        if row is None:
            raise _unknown(trial_id)
        raise StaleStateError(f"trial {row.number} is {row.state} and cannot become {to}")


def _unknown(trial_id: int) -> NotFoundError:
    return NotFoundError(f"there is no trial with the id {trial_id}")
