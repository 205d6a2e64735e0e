"""The counts of a study. Those of all its rows are for its beginning and for commands; the loop adds what has ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, exists, false, func, select

from nago_orchestrator.domain.ends import Ends, FailureCause
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.store.records import Tally
from nago_orchestrator.store.schema import attempt, evaluation, proposal, study, trial

_BY_THEMSELVES = attempt.c.failure.in_([Failure.DEFECT, Failure.INFRASTRUCTURE])
_newer = attempt.alias()
_ENDED = (
    select(
        attempt.c.reason,
        attempt.c.message,
        attempt.c.gpu_seconds,
        trial.c.state,
        func.coalesce(_BY_THEMSELVES, false()).label("by_itself"),
        (attempt.c.ended_at >= study.c.changed_at).label("is_recent"),
        func.coalesce(trial.c.ended_at >= study.c.changed_at, false()).label("ends_trial"),
        (~exists().where(_newer.c.trial_id == attempt.c.trial_id, _newer.c.number > attempt.c.number)).label("is_last"),
    )
    .join_from(attempt, trial)
    .join(study, trial.c.study_id == study.c.id)
    .where(attempt.c.id.in_(bindparam("ids", expanding=True)))
)
"""Built once: the loop runs it whenever attempts have ended."""


def trial_counts(connection: Connection, study_id: int) -> Mapping[TrialState, int]:
    """Every state has a key."""
    states = connection.execute(
        select(trial.c.state, func.count()).where(trial.c.study_id == study_id).group_by(trial.c.state)
    )
    return {state: 0 for state in TrialState} | {TrialState(state): count for state, count in states}


def tally(connection: Connection, study_id: int) -> Tally:
    trials = trial_counts(connection, study_id)
    groups = connection.execute(
        select(
            attempt.c.state,
            attempt.c.failure,
            func.count().label("attempts"),
            func.coalesce(func.sum(attempt.c.seconds), 0.0).label("seconds"),
            func.coalesce(func.sum(attempt.c.gpu_seconds), 0.0).label("gpu_seconds"),
        )
        .join_from(trial, attempt)
        .where(trial.c.study_id == study_id)
        .group_by(attempt.c.state, attempt.c.failure)
    ).all()
    count_of = {
        table.name: select(func.count()).where(table.c.study_id == study_id).scalar_subquery()
        for table in (proposal, evaluation)
    }
    counted = connection.execute(
        select(
            study.c.state,
            study.c.created_at,
            count_of["proposal"].label("proposals"),
            count_of["evaluation"].label("evaluations"),
        ).where(study.c.id == study_id)
    ).one()
    return Tally(
        state=StudyState(counted.state),
        proposals=counted.proposals,
        evaluations=counted.evaluations,
        trials=trials,
        failures={kind: sum(group.attempts for group in groups if group.failure == kind) for kind in Failure},
        attempts=sum(group.attempts for group in groups),
        live_attempts=sum(group.attempts for group in groups if not AttemptState(group.state).is_final),
        waiting=_waiting(connection, study_id),
        seconds=sum(group.seconds for group in groups),
        gpu_seconds=sum(group.gpu_seconds for group in groups),
        started_at=counted.created_at,
    )


def _waiting(connection: Connection, study_id: int) -> Mapping[str, int]:
    rows = connection.execute(
        select(attempt.c.reason, func.count())
        .join_from(trial, attempt)
        .where(
            trial.c.study_id == study_id,
            trial.c.state == TrialState.RUNNING,
            attempt.c.ended_at.is_(None),
            attempt.c.reason.is_not(None),
        )
        .group_by(attempt.c.reason)
        .order_by(attempt.c.reason)
    )
    return {reason: count for reason, count in rows}


def all_ends(connection: Connection, study_id: int) -> Ends:
    """A study that is resumed after a failure is judged by what it does from then on. Reads the whole study."""
    states = connection.execute(
        select(trial.c.state, func.count())
        .join_from(trial, study, trial.c.study_id == study.c.id)
        .where(trial.c.study_id == study_id, trial.c.ended_at >= study.c.changed_at)
        .group_by(trial.c.state)
    )
    causes = connection.execute(
        select(attempt.c.reason, func.count().label("attempts"), func.max(attempt.c.message).label("message"))
        .join_from(trial, attempt)
        .join(study, trial.c.study_id == study.c.id)
        .where(trial.c.study_id == study_id, _BY_THEMSELVES, attempt.c.ended_at >= study.c.changed_at)
        .group_by(attempt.c.reason)
    )
    used = connection.scalar(
        select(func.sum(attempt.c.gpu_seconds)).join_from(trial, attempt).where(trial.c.study_id == study_id)
    )
    return Ends(
        trials={TrialState(state): count for state, count in states},
        causes={row.reason or "": FailureCause(attempts=row.attempts, message=row.message or "") for row in causes},
        gpu_seconds=used or 0.0,
    )


def ends_of(connection: Connection, attempts: Collection[int]) -> Ends:
    """What the ends of these attempts, by id, add to those of their study. Reads their rows alone."""
    rows = connection.execute(_ENDED, {"ids": list(attempts)}).all()
    ends = Ends(trials={}, causes={}, gpu_seconds=0.0)
    for row in rows:
        failed = row.by_itself and row.is_recent
        cause = {row.reason or "": FailureCause(attempts=1, message=row.message or "")} if failed else {}
        final = {TrialState(row.state): 1} if row.is_last and row.ends_trial else {}
        ends += Ends(trials=final, causes=cause, gpu_seconds=row.gpu_seconds or 0.0)
    return ends


def failure_reasons(connection: Connection, study_id: int) -> Mapping[tuple[Failure, str], int]:
    """How many attempts failed, by kind and reason."""
    rows = connection.execute(
        select(attempt.c.failure, attempt.c.reason, func.count())
        .join_from(trial, attempt)
        .where(trial.c.study_id == study_id, attempt.c.failure.is_not(None))
        .group_by(attempt.c.failure, attempt.c.reason)
    )
    return {(Failure(failure), reason or "Unknown"): count for failure, reason, count in rows}
