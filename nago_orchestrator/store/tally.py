"""The counts of a study, by index: cheap enough for every tick of the loop."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.store.records import Tally
from nago_orchestrator.store.schema import attempt, evaluation, proposal, study, trial


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


def recent_ends(connection: Connection, study_id: int) -> Mapping[TrialState, int]:
    """A study that is resumed after a failure is judged by what it does from then on."""
    states = connection.execute(
        select(trial.c.state, func.count())
        .join_from(trial, study, trial.c.study_id == study.c.id)
        .where(trial.c.study_id == study_id, trial.c.ended_at >= study.c.changed_at)
        .group_by(trial.c.state)
    )
    return {state: 0 for state in TrialState if state.is_final} | {TrialState(state): count for state, count in states}


def failure_reasons(connection: Connection, study_id: int) -> Mapping[tuple[Failure, str], int]:
    """How many attempts failed, by kind and reason."""
    rows = connection.execute(
        select(attempt.c.failure, attempt.c.reason, func.count())
        .join_from(trial, attempt)
        .where(trial.c.study_id == study_id, attempt.c.failure.is_not(None))
        .group_by(attempt.c.failure, attempt.c.reason)
    )
    return {(Failure(failure), reason or "Unknown"): count for failure, reason, count in rows}


def common_failure(connection: Connection, study_id: int) -> str | None:
    """The most frequent cause of failed attempts as `reason: message`; None if none failed but by our own will.

    Of those that failed since the study began or was resumed.
    """
    causes = connection.execute(
        select(attempt.c.reason, func.max(attempt.c.message).label("message"))
        .join_from(trial, attempt)
        .join(study, trial.c.study_id == study.c.id)
        .where(
            trial.c.study_id == study_id,
            attempt.c.failure.in_([Failure.DEFECT, Failure.INFRASTRUCTURE]),
            attempt.c.ended_at >= study.c.changed_at,
        )
        .group_by(attempt.c.reason)
        .order_by(func.count().desc(), attempt.c.reason)
        .limit(1)
    ).one_or_none()
    return None if causes is None else ": ".join(part for part in causes if part)
