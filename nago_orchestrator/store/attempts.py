"""Rows of `attempt` and `epoch`: one life of one process or Job, from the intent to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Row, exists, func, insert, select, update

from nago_orchestrator.domain import (
    Attempt,
    AttemptState,
    Failure,
    Observation,
    Phase,
    TrialState,
)
from nago_orchestrator.errors import NotFoundError, StaleStateError
from nago_orchestrator.store import results, trials
from nago_orchestrator.store.attempt_rows import ATTEMPT_COLUMNS, attempt_of
from nago_orchestrator.store.insert import insert_or_ignore
from nago_orchestrator.store.schema import attempt, epoch, trial
from nago_trainer.contract import EpochRecord, TrialResult

NOTHING_SEEN = Observation(phase=Phase.ABSENT)
"""Where an attempt ends without anybody having looked at it."""

_STATE_COLUMNS: tuple[Column[Any], ...] = (
    attempt.c.trial_id,
    attempt.c.number,
    attempt.c.state,
    attempt.c.started_at,
    attempt.c.ended_at,
)
_LIVE = [state for state in AttemptState if not state.is_final]
_FAILED = [AttemptState.FAILED]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """An attempt before its row exists."""

    name: str
    token: str
    executor: str
    gpus: int
    task: Mapping[str, Any] | None = None
    """JSON form of its TrialTask, where the trainer reads it from the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ends without a result, and what becomes of its trial."""

    state: AttemptState
    failure: Failure | None
    trial_to: TrialState
    not_before: datetime | None


def add(connection: Connection, trial_id: int, new: NewAttempt, now: datetime) -> Attempt:
    """Raises StaleStateError unless the trial is queued, and when an attempt given up for lost has left its result."""
    trials.move(connection, trial_id, [TrialState.QUEUED], TrialState.RUNNING, not_before=None)
    results.refuse_any(connection, trial_id)
    last = connection.scalar(select(func.max(attempt.c.number)).where(attempt.c.trial_id == trial_id)) or 0
    given = {item.name: getattr(new, item.name) for item in fields(new)}  # asdict would copy the whole task
    values = {**given, "trial_id": trial_id, "number": last + 1, "state": AttemptState.CREATED}
    connection.execute(insert(attempt).values(**values, created_at=now))
    chosen = (attempt.c.trial_id == trial_id, attempt.c.number == last + 1)
    return attempt_of(connection.execute(select(*ATTEMPT_COLUMNS).where(*chosen)).one())


def mark_running(connection: Connection, attempt_id: int, *, node: str | None, uid: str | None, now: datetime) -> None:
    """Raises StaleStateError unless the attempt was only created so far."""
    values = {"node": node, "uid": uid, "started_at": now}
    row = _move(connection, attempt_id, [AttemptState.CREATED], AttemptState.RUNNING, values)
    connection.execute(
        update(trial).where(trial.c.id == row.trial_id, trial.c.started_at.is_(None)).values(started_at=now)
    )


def record_epochs(connection: Connection, attempt_id: int, epochs: Sequence[EpochRecord], now: datetime) -> None:
    """Adds those that are not there yet."""
    if not epochs:
        return
    connection.execute(
        insert_or_ignore(connection, epoch),
        [{**asdict(record), "attempt_id": attempt_id, "recorded_at": now} for record in epochs],
    )


def accept_result(
    connection: Connection, attempt_id: int, result: TrialResult, observation: Observation, now: datetime
) -> None:
    """From a live attempt, or late, from the newest one that failed while its trial waits for the next.

    Raises StaleStateError for every other attempt.
    """
    late = _may_come_late(connection, attempt_id)
    ended_at = observation.ended_at or results.recorded_at(connection, attempt_id) or now
    started_at = observation.started_at or ended_at - timedelta(seconds=result.seconds)
    seen = replace(observation, started_at=started_at, ended_at=ended_at)
    row = _finish(connection, attempt_id, AttemptState.SUCCEEDED, None, seen, sources=_FAILED if late else _LIVE)
    record_epochs(connection, attempt_id, observation.epochs, now)
    results.keep(connection, row.trial_id, attempt_id, result, now)
    _finish_trial(connection, row, TrialState.SUCCEEDED, source=TrialState.QUEUED if late else TrialState.RUNNING)


def end(connection: Connection, attempt_id: int, ending: Ending, observation: Observation, now: datetime) -> None:
    """Raises StaleStateError for an attempt that has ended already, or a trial that is not running.

    And for an end of the trial that would make nothing of a result which the trainer has stored meanwhile.
    """
    if ending.state not in (AttemptState.FAILED, AttemptState.CANCELLED) or ending.trial_to is TrialState.SUCCEEDED:
        raise ValueError(f"without a result an attempt cannot become {ending.state}, its trial {ending.trial_to}")
    seen = replace(observation, ended_at=observation.ended_at or now)
    row = _finish(connection, attempt_id, ending.state, ending.failure, seen, sources=_LIVE)
    record_epochs(connection, attempt_id, observation.epochs, now)
    if ending.trial_to is TrialState.QUEUED:
        trials.move(connection, row.trial_id, [TrialState.RUNNING], TrialState.QUEUED, not_before=ending.not_before)
        return
    reason = observation.message or observation.reason or "it cannot be trained"
    extra = {"infeasible_reason": reason} if ending.trial_to is TrialState.INFEASIBLE else {}
    _finish_trial(connection, row, ending.trial_to, source=TrialState.RUNNING, **extra)
    if ending.trial_to is not TrialState.CANCELLED:
        results.refuse_any(connection, row.trial_id)


def _may_come_late(connection: Connection, attempt_id: int) -> bool:
    newer = attempt.alias()
    return bool(
        connection.scalar(
            select(attempt.c.id)
            .join_from(attempt, trial)
            .where(
                attempt.c.id == attempt_id,
                attempt.c.state == AttemptState.FAILED,
                trial.c.state == TrialState.QUEUED,
                ~exists().where(newer.c.trial_id == attempt.c.trial_id, newer.c.number > attempt.c.number),
            )
        )
    )


def _finish(
    connection: Connection,
    attempt_id: int,
    to: AttemptState,
    failure: Failure | None,
    seen: Observation,
    *,
    sources: Sequence[AttemptState],
) -> Row[Any]:
    """`seen` says when it ended. The task has been done with: all that is in it stands in the trial's own rows."""
    columns = (attempt.c.gpus, attempt.c.created_at, attempt.c.started_at, attempt.c.node, attempt.c.uid)
    before = connection.execute(select(*columns).where(attempt.c.id == attempt_id)).one_or_none()
    if before is None:
        raise _unknown(attempt_id)
    started_at = before.started_at
    if started_at is None and seen.started_at is not None:
        started_at = max(before.created_at, seen.started_at)  # what an earlier attempt had done is not its own time
    seconds = max(0.0, (seen.ended_at - started_at).total_seconds()) if started_at and seen.ended_at else 0.0
    values = {
        "failure": failure,
        "reason": seen.reason,
        "message": seen.message,
        "exit_code": seen.exit_code,
        "node": seen.node or before.node,
        "uid": seen.uid or before.uid,
        "log_tail": seen.log_tail,
        "started_at": started_at,
        "ended_at": seen.ended_at,
        "seconds": seconds,
        "gpu_seconds": before.gpus * seconds,
        "task": None,
    }
    return _move(connection, attempt_id, sources, to, values)


def _finish_trial(connection: Connection, row: Row[Any], to: TrialState, *, source: TrialState, **values: Any) -> None:
    started_at = func.coalesce(trial.c.started_at, row.started_at)
    trials.move(
        connection,
        row.trial_id,
        [source],
        to,
        started_at=started_at,
        ended_at=row.ended_at,
        not_before=None,
        **values,
    )


def _move(
    connection: Connection,
    attempt_id: int,
    sources: Sequence[AttemptState],
    to: AttemptState,
    values: dict[str, Any],
) -> Row[Any]:
    """Compare-and-set from one of `sources`; the row afterwards."""
    moved = connection.execute(
        update(attempt).where(attempt.c.id == attempt_id, attempt.c.state.in_(sources)).values(state=to, **values)
    )
    row = connection.execute(select(*_STATE_COLUMNS).where(attempt.c.id == attempt_id)).one_or_none()
    if row is None:
        raise _unknown(attempt_id)
    if moved.rowcount != 1:
        raise StaleStateError(
            f"Attempt {row.number} of a trial is {row.state} and cannot become {to}: somebody moved it first."
        )
    return row


def _unknown(attempt_id: int) -> NotFoundError:
    return NotFoundError(f"There is no attempt with the id {attempt_id}.")
