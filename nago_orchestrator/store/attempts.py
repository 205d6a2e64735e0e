"""Rows of `attempt` and `epoch`: one life of one process or Job, from the intent to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Row, func, insert, select, update

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
from nago_orchestrator.store.attempt_rows import attempt_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """An attempt before its row exists."""

    name: str
    token: str
    executor: str
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ends without a result, and what becomes of its trial."""

    state: AttemptState
    failure: Failure | None
    trial_to: TrialState
    not_before: datetime | None


def add(connection: Connection, trial_id: int, new: NewAttempt, now: datetime) -> Attempt:
    """Raises StaleStateError unless the trial is queued."""
    trials.move(connection, trial_id, [TrialState.QUEUED], TrialState.RUNNING, not_before=None)
    last = connection.scalar(select(func.max(attempt.c.number)).where(attempt.c.trial_id == trial_id)) or 0
    values = {**asdict(new), "trial_id": trial_id, "number": last + 1, "state": AttemptState.CREATED}
    connection.execute(insert(attempt).values(**values, created_at=now))
    chosen = (attempt.c.trial_id == trial_id, attempt.c.number == last + 1)
    return attempt_of(connection.execute(select(attempt).where(*chosen)).one())


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
    """Raises StaleStateError for an attempt that has ended, or a trial that is not running."""
    if observation.started_at is None:
        ended_at = observation.ended_at or now
        observation = replace(observation, started_at=ended_at - timedelta(seconds=result.seconds))
    row = _finish(connection, attempt_id, AttemptState.SUCCEEDED, None, observation, now)
    record_epochs(connection, attempt_id, observation.epochs, now)
    results.keep(connection, row.trial_id, attempt_id, result, now)
    _finish_trial(connection, row, TrialState.SUCCEEDED)


def end(connection: Connection, attempt_id: int, ending: Ending, observation: Observation, now: datetime) -> None:
    """Raises StaleStateError for an attempt that has ended already, or a trial that is not running."""
    if ending.state not in (AttemptState.FAILED, AttemptState.CANCELLED) or ending.trial_to is TrialState.SUCCEEDED:
        raise ValueError(f"without a result an attempt cannot become {ending.state}, its trial {ending.trial_to}")
    row = _finish(connection, attempt_id, ending.state, ending.failure, observation, now)
    record_epochs(connection, attempt_id, observation.epochs, now)
    if ending.trial_to is TrialState.QUEUED:
        trials.move(connection, row.trial_id, [TrialState.RUNNING], TrialState.QUEUED, not_before=ending.not_before)
        return
    reason = observation.message or observation.reason or "it cannot be trained"
    extra = {"infeasible_reason": reason} if ending.trial_to is TrialState.INFEASIBLE else {}
    _finish_trial(connection, row, ending.trial_to, **extra)


def _finish(
    connection: Connection,
    attempt_id: int,
    to: AttemptState,
    failure: Failure | None,
    observation: Observation,
    now: datetime,
) -> Row[Any]:
    before = connection.execute(
        select(attempt.c.gpus, attempt.c.started_at, attempt.c.node, attempt.c.uid).where(attempt.c.id == attempt_id)
    ).one_or_none()
    if before is None:
        raise _unknown(attempt_id)
    started_at = before.started_at or observation.started_at
    ended_at = observation.ended_at or now
    seconds = max(0.0, (ended_at - started_at).total_seconds()) if started_at else 0.0
    values = {
        "failure": failure,
        "reason": observation.reason,
        "message": observation.message,
        "exit_code": observation.exit_code,
        "node": observation.node or before.node,
        "uid": observation.uid or before.uid,
        "log_tail": observation.log_tail,
        "started_at": started_at,
        "ended_at": ended_at,
        "seconds": seconds,
        "gpu_seconds": before.gpus * seconds,
    }
    return _move(connection, attempt_id, _LIVE, to, values)


def _finish_trial(connection: Connection, row: Row[Any], to: TrialState, **values: Any) -> None:
    started_at = func.coalesce(trial.c.started_at, row.started_at)
    trials.move(
        connection,
        row.trial_id,
        [TrialState.RUNNING],
        to,
        started_at=started_at,
        ended_at=row.ended_at,
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
