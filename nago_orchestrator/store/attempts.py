"""Rows of `attempt` and `epoch`: one life of one process or Job, from the intent to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, exists, func, insert, select, update

from nago_orchestrator.domain.attempts import Attempt, Observation, Phase
from nago_orchestrator.domain.credentials import Login
from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.errors import NotFoundError, StaleStateError
from nago_orchestrator.store import logins, results, trials
from nago_orchestrator.store.insert import insert_one, insert_or_ignore
from nago_orchestrator.store.schema import attempt, epoch, result, trial
from nago_trainer.contract.reports import EpochRecord, TrialResult

NOTHING_SEEN = Observation(phase=Phase.ABSENT)
"""Where an attempt ends without anybody having looked at it."""

# Built once: the loop runs each of them for every trial, and building costs as much as running.
_newer = attempt.alias()
_has_newer = exists().where(_newer.c.trial_id == attempt.c.trial_id, _newer.c.number > attempt.c.number)
_this = attempt.c.id == bindparam("of_attempt")
_BEFORE_ITS_END: Select[Any] = (
    select(
        attempt.c.id,
        attempt.c.trial_id,
        attempt.c.number,
        attempt.c.state,
        attempt.c.gpus,
        attempt.c.gpu_share,
        attempt.c.created_at,
        attempt.c.started_at,
        attempt.c.reason,
        attempt.c.seconds,
        attempt.c.node,
        attempt.c.uid,
        trial.c.state.label("trial_state"),
        trial.c.started_at.label("trial_started_at"),
        (~_has_newer).label("is_newest"),
        result.c.recorded_at.label("result_at"),
    )
    .join_from(attempt, trial)
    .outerjoin(result, result.c.attempt_id == attempt.c.id)
    .where(_this)
)
_EARLIER = (
    select(func.max(attempt.c.number).label("last_number"), func.count(result.c.trial_id).label("results"))
    .select_from(attempt)
    .outerjoin(result, result.c.attempt_id == attempt.c.id)
    .where(attempt.c.trial_id == bindparam("of_trial"))
)
_INSERT = insert(attempt)
_MOVE = update(attempt).where(_this, attempt.c.state == bindparam("source"))
_LIVE = select(attempt.c.started_at, attempt.c.reason, attempt.c.seconds).where(_this, attempt.c.ended_at.is_(None))
_NOTE = update(attempt).where(_this, attempt.c.ended_at.is_(None))
_BEGIN_TRIAL = update(trial).where(
    trial.c.id == select(attempt.c.trial_id).where(_this).scalar_subquery(), trial.c.started_at.is_(None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """An attempt before its row exists."""

    name: str
    token: str
    """What its reports are known by; its digest where the trainer reaches the database."""
    executor: str
    gpus: int
    gpu_share: float = 1.0
    """The part that it has of each of its GPUs."""
    task: Mapping[str, Any] | None = None
    """JSON form of its TrialTask, where the trainer reads it from the database."""
    login: Login | None = None
    """By which the trainer reaches the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ends without a result, and what becomes of its trial."""

    state: AttemptState
    failure: Failure | None
    trial_to: TrialState
    not_before: datetime | None
    discards_result: bool = False


def add(connection: Connection, trial_id: int, new: NewAttempt, now: datetime) -> Attempt:
    """Raises StaleStateError unless the trial is queued, and when a lost attempt has left its result."""
    trials.move(connection, trial_id, TrialState.QUEUED, TrialState.RUNNING, not_before=None)
    earlier = connection.execute(_EARLIER, {"of_trial": trial_id}).one()
    if earlier.results:
        raise results.came_meanwhile()
    number = 1 + (earlier.last_number or 0)
    given = {item.name: getattr(new, item.name) for item in fields(new)}  # asdict would copy the whole task
    if new.login is not None:
        logins.give(connection, new.login)
        given["login"] = new.login.role
    values = {**given, "trial_id": trial_id, "number": number, "state": AttemptState.CREATED, "created_at": now}
    attempt_id = insert_one(connection, _INSERT, values)
    return Attempt(
        id=attempt_id,
        number=number,
        name=new.name,
        token=new.token,
        state=AttemptState.CREATED,
        failure=None,
        reason=None,
        created_at=now.astimezone(UTC),
        started_at=None,
        ended_at=None,
    )


def renew(connection: Connection, attempt_id: int, token: str, login: Login) -> None:
    """The attempt has these credentials from now on. A restored database knows a login that its server does not."""
    values = {"token": token, "login": login.role}
    connection.execute(update(attempt).where(attempt.c.id == attempt_id).values(**values))
    logins.give(connection, login)


def mark_running(connection: Connection, attempt_id: int, *, node: str | None, uid: str | None, now: datetime) -> None:
    """Raises StaleStateError unless the attempt was only created so far."""
    values = {"node": node, "uid": uid, "started_at": now, "reason": None, "message": None}
    _move(connection, attempt_id, AttemptState.CREATED, AttemptState.RUNNING, values)
    connection.execute(_BEGIN_TRIAL, {"of_attempt": attempt_id, "started_at": now})


def note_waiting(
    connection: Connection, attempt_id: int, *, reason: str | None, message: str | None, now: datetime
) -> None:
    """Of an attempt that does not run at present; None: it goes on. Nothing happens where it has ended meanwhile.

    One that ran uses nothing while it waits: its time until then is kept, and its beginning moves by as long as it has
    waited.
    """
    before = connection.execute(_LIVE, {"of_attempt": attempt_id}).one_or_none()
    if before is None:
        return
    times: dict[str, Any] = {}
    if before.started_at is not None and reason is None:
        times["started_at"] = now - timedelta(seconds=before.seconds or 0.0)
    elif before.started_at is not None and before.reason is None:
        times["seconds"] = max(0.0, (now - before.started_at).total_seconds())
    connection.execute(_NOTE, {"of_attempt": attempt_id, "reason": reason, "message": message, **times})


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
    before = _before(connection, attempt_id)
    late = before.state == AttemptState.FAILED and before.trial_state == TrialState.QUEUED and before.is_newest
    if not late:
        _refuse_ended(before, AttemptState.SUCCEEDED)
    ended_at = observation.ended_at or before.result_at or now
    started_at = observation.started_at or ended_at - timedelta(seconds=result.seconds)
    seen = replace(observation, started_at=started_at, ended_at=ended_at)
    started_at = _finish(connection, before, AttemptState.SUCCEEDED, None, seen)
    record_epochs(connection, attempt_id, observation.epochs, now)
    if before.result_at is None:
        results.keep(connection, before.trial_id, attempt_id, result, now)
    source = TrialState.QUEUED if late else TrialState.RUNNING
    _finish_trial(connection, before, source, TrialState.SUCCEEDED, started_at, ended_at)


def end(connection: Connection, attempt_id: int, ending: Ending, observation: Observation, now: datetime) -> None:
    """Raises StaleStateError for an attempt that has ended already, or a trial that is not running.

    And for an end of the trial that would make nothing of a result which the trainer has stored meanwhile.
    """
    if ending.state not in (AttemptState.FAILED, AttemptState.CANCELLED) or ending.trial_to is TrialState.SUCCEEDED:
        raise ValueError(f"an attempt without a result cannot become {ending.state} and its trial {ending.trial_to}")
    before = _before(connection, attempt_id)
    _refuse_ended(before, ending.state)
    if ending.discards_result:
        results.discard(connection, attempt_id)
    ended_at = observation.ended_at or now
    started_at = _finish(connection, before, ending.state, ending.failure, replace(observation, ended_at=ended_at))
    record_epochs(connection, attempt_id, observation.epochs, now)
    if ending.trial_to is TrialState.QUEUED:
        not_before = ending.not_before
        trials.move(connection, before.trial_id, TrialState.RUNNING, TrialState.QUEUED, not_before=not_before)
        return
    reason = observation.message or observation.reason or "the network cannot be trained"
    extra = {"infeasible_reason": reason} if ending.trial_to is TrialState.INFEASIBLE else {}
    _finish_trial(connection, before, TrialState.RUNNING, ending.trial_to, started_at, ended_at, **extra)
    if ending.trial_to is not TrialState.CANCELLED:
        results.refuse_any(connection, before.trial_id)


def _before(connection: Connection, attempt_id: int) -> Row[Any]:
    """The attempt that is about to end, its trial, and whether and when it stored a result."""
    row = connection.execute(_BEFORE_ITS_END, {"of_attempt": attempt_id}).one_or_none()
    if row is None:
        raise _unknown(attempt_id)
    return row


def _refuse_ended(before: Row[Any], to: AttemptState) -> None:
    if AttemptState(before.state).is_final:
        raise _stale(before, to)


def _finish(
    connection: Connection, before: Row[Any], to: AttemptState, failure: Failure | None, seen: Observation
) -> datetime | None:
    """When it started. `seen` says when it ended. The task has been done with: what is in it stands in the trial."""
    started_at: datetime | None = before.started_at
    if started_at is None and seen.started_at is not None:
        started_at = max(before.created_at, seen.started_at)  # what an earlier attempt had done is not its own time
    seconds = max(0.0, (seen.ended_at - started_at).total_seconds()) if started_at and seen.ended_at else 0.0
    if not AttemptState(before.state).is_final and before.reason is not None and before.seconds is not None:
        seconds = before.seconds  # it has waited since, e.g. because its Job was suspended
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
        "gpu_seconds": before.gpus * before.gpu_share * seconds,
        "task": None,
    }
    _move(connection, before.id, AttemptState(before.state), to, values)
    return started_at


def _finish_trial(
    connection: Connection,
    before: Row[Any],
    source: TrialState,
    to: TrialState,
    started_at: datetime | None,
    ended_at: datetime,
    **values: str,
) -> None:
    times = {"started_at": before.trial_started_at or started_at, "ended_at": ended_at}
    trials.move(connection, before.trial_id, source, to, **times, not_before=None, **values)


def _move(
    connection: Connection, attempt_id: int, source: AttemptState, to: AttemptState, values: dict[str, Any]
) -> None:
    """Compare-and-set."""
    moved = connection.execute(_MOVE, {"of_attempt": attempt_id, "source": source, "state": to, **values})
    if moved.rowcount != 1:
        raise _stale(_before(connection, attempt_id), to)


def _stale(row: Row[Any], to: AttemptState) -> StaleStateError:
    return StaleStateError(f"attempt {row.number} of a trial is {row.state} and cannot become {to}")


def _unknown(attempt_id: int) -> NotFoundError:
    return NotFoundError(f"there is no attempt with the id {attempt_id}")
