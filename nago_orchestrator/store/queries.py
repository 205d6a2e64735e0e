"""What the command line and the report read: the rows of `domain.rows`, mostly from the views. Nothing here writes.

Every function may raise DatabaseError, and NotFoundError for a study or trial that does not exist.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Engine, Select, Table, func, select

from nago_orchestrator.domain.proposals import Theta
from nago_orchestrator.domain.rows import (
    AttemptRow,
    EpochRow,
    EvaluationRow,
    LedgerRow,
    LoggedAttempt,
    StudyRow,
    StudyStatus,
    TrialDetails,
    TrialRow,
    WaitingAttempt,
    widened,
)
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.errors import NotFoundError
from nago_orchestrator.store import data_checks, lock, schema, studies, views
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import describe
from nago_orchestrator.store.results import DETAILS, known_details
from nago_orchestrator.store.rows import (
    attempt_rows,
    epoch_rows,
    evaluation_columns,
    evaluation_rows,
    of_study,
    reading,
    rows,
    trial_rows,
)
from nago_orchestrator.store.tally import tally
from nago_trainer.contract.class_details import ClassDetails

_FINAL = [state for state in TrialState if state.is_final]


def list_studies(engine: Engine) -> list[StudyRow]:
    """All, oldest first."""
    study, trial = schema.study, schema.trial
    with reading(engine) as connection:
        return rows(
            connection,
            select(
                study.c.name,
                study.c.state,
                study.c.message,
                study.c.created_at,
                study.c.changed_at,
                _count(schema.proposal),
                _count(schema.evaluation),
                _count(trial),
                _count(trial, trial.c.state.in_(_FINAL), label="finished"),
            ).order_by(study.c.id),
            StudyRow,
            state=StudyState,
        )


def holder(engine: Engine, name: str) -> str | None:
    """Who runs the study now; None if nobody does."""
    with reading(engine) as connection:
        study_id = studies.find_id(connection, name)
    with translated(describe(engine.url)):
        return lock.holder(engine, study_id)


def study_status(engine: Engine, name: str) -> StudyStatus:
    overview = views.trial_overview
    with reading(engine) as connection:
        study = studies.find(connection, name)
        counts = tally(connection, study.id)
        running = trial_rows(
            connection,
            of_study(overview, name).where(overview.c.state == TrialState.RUNNING).order_by(overview.c.trial),
        )
        waiting = rows(connection, _waiting().where(schema.trial.c.study_id == study.id), WaitingAttempt)
        checks = data_checks.last(connection, study.id)
        holder = lock.holder(engine, study.id)
    return StudyStatus(
        name=study.name,
        state=study.state,
        message=study.message,
        created_at=study.created_at,
        changed_at=study.changed_at,
        proposals=counts.proposals,
        evaluations=counts.evaluations,
        trials=sum(counts.trials.values()),
        finished=sum(counts.trials[state] for state in _FINAL),
        prior=len(study.prior),
        seed=study.seed,
        objectives=study.objectives,
        spec=study.spec,
        trial_states=counts.trials,
        failures=counts.failures,
        attempts=counts.attempts,
        live_attempts=counts.live_attempts,
        seconds=counts.seconds,
        gpu_seconds=counts.gpu_seconds,
        running=tuple(running),
        holder=holder,
        waiting=tuple(waiting),
        dataset=study.dataset,
        fingerprint=study.recipe.dataset.fingerprint,
        data_check=next((check for check in checks[-1:] if check.tells), None),
    )


def list_trials(engine: Engine, name: str, *, state: str | None = None, limit: int | None = None) -> list[TrialRow]:
    """Rows of `trial_overview` by number; with a limit the newest ones, still by number."""
    overview = views.trial_overview
    chosen = of_study(overview, name).order_by(overview.c.trial.desc()).limit(limit)
    if state is not None:
        chosen = chosen.where(overview.c.state == state)
    with reading(engine) as connection:
        studies.find_id(connection, name)
        return trial_rows(connection, chosen)[::-1]


def show_trial(engine: Engine, study: str, trial_number: int) -> TrialDetails:
    trial, proposal, attempt, epoch = schema.trial, schema.proposal, schema.attempt, schema.epoch
    with reading(engine) as connection:
        chosen = (trial.c.study_id == studies.find_id(connection, study), trial.c.number == trial_number)
        own = connection.execute(
            select(
                proposal.c.theta,
                proposal.c.canonical_theta,
                trial.c.architecture,
                trial.c.architecture_seed,
                trial.c.training_seed,
                DETAILS,
            )
            .join_from(trial, proposal, trial.c.proposal_id == proposal.c.id)
            .outerjoin(schema.result, schema.result.c.trial_id == trial.c.id)
            .where(*chosen)
        ).one_or_none()
        if own is None:
            raise NotFoundError(f"the study {study!r} has no trial {trial_number}", do="`nago-orch trials` lists them")
        view = of_study(views.trial_overview, study).where(views.trial_overview.c.trial == trial_number)
        (overview,) = trial_rows(connection, view)
        tried = attempt_rows(connection, _attempts().add_columns(attempt.c.log_tail).where(*chosen), LoggedAttempt)
        trained = epoch_rows(connection, _epochs().where(*chosen).order_by(attempt.c.number, epoch.c.epoch))
        more = {**own._mapping, "details": known_details(own.details)}
        return widened(TrialDetails, overview, **more, attempt_rows=tuple(tried), epoch_rows=tuple(trained))


def class_details(engine: Engine, name: str, trials: Collection[int]) -> Mapping[int, ClassDetails]:
    """By trial; without those that have none."""
    trial, result = schema.trial, schema.result
    stored = select(trial.c.number, DETAILS).join_from(result, trial, result.c.trial_id == trial.c.id)
    with reading(engine) as connection:
        own = trial.c.study_id == studies.find_id(connection, name), trial.c.number.in_(trials)
        read = {row.number: known_details(row.details) for row in connection.execute(stored.where(*own))}
    return {number: details for number, details in read.items() if details is not None}


def searched_thetas(engine: Engine, name: str, numbers: Collection[int]) -> Mapping[int, Theta]:
    """By the proposals' numbers; without those that are unknown or of final training."""
    proposal = schema.proposal
    with reading(engine) as connection:
        own = proposal.c.study_id == studies.find_id(connection, name)
        chosen = own, ~proposal.c.final_training, proposal.c.number.in_(numbers)
        found = connection.execute(select(proposal.c.number, proposal.c.theta).where(*chosen))
        return {row.number: row.theta for row in found}


def gpu_ledger(engine: Engine, name: str) -> list[LedgerRow]:
    """Rows of the view: one for each outcome that occurred, by its name."""
    with reading(engine) as connection:
        studies.find_id(connection, name)
        return rows(connection, of_study(views.gpu_ledger, name).order_by(views.gpu_ledger.c.outcome), LedgerRow)


def epochs(engine: Engine, name: str) -> list[EpochRow]:
    """Every epoch of every attempt."""
    trial, attempt, epoch = schema.trial, schema.attempt, schema.epoch
    with reading(engine) as connection:
        own = trial.c.study_id == studies.find_id(connection, name)
        return epoch_rows(connection, _epochs().where(own).order_by(trial.c.number, attempt.c.number, epoch.c.epoch))


def evaluations(engine: Engine, name: str) -> list[EvaluationRow]:
    """In evaluation order."""
    proposal, evaluation = schema.proposal, schema.evaluation
    with reading(engine) as connection:
        own = evaluation.c.study_id == studies.find_id(connection, name)
        return evaluation_rows(
            connection,
            select(*evaluation_columns())
            .join_from(evaluation, proposal, evaluation.c.proposal_id == proposal.c.id)
            .where(own)
            .order_by(evaluation.c.number),
        )


def attempts(engine: Engine, name: str) -> list[AttemptRow]:
    """Every attempt by trial and number, without log tails."""
    with reading(engine) as connection:
        own = schema.trial.c.study_id == studies.find_id(connection, name)
        return attempt_rows(connection, _attempts().where(own))


def _count(table: Table, *conditions: Any, label: str | None = None) -> Any:
    counted = select(func.count()).where(table.c.study_id == schema.study.c.id, *conditions)
    return counted.scalar_subquery().label(label or f"{table.name}s")


def _epochs() -> Select[Any]:
    trial, attempt, epoch = schema.trial, schema.attempt, schema.epoch
    columns = [column for column in epoch.c if column.name != "attempt_id"]
    return (
        select(trial.c.number.label("trial"), attempt.c.number.label("attempt"), *columns)
        .join_from(trial, attempt, attempt.c.trial_id == trial.c.id)
        .join(epoch, epoch.c.attempt_id == attempt.c.id)
    )


def _waiting() -> Select[Any]:
    trial, attempt = schema.trial, schema.attempt
    return (
        select(
            trial.c.number.label("trial"),
            attempt.c.number.label("attempt"),
            attempt.c.created_at,
            attempt.c.reason,
            attempt.c.message,
        )
        .join_from(trial, attempt, attempt.c.trial_id == trial.c.id)
        .where(trial.c.state == TrialState.RUNNING, attempt.c.ended_at.is_(None), attempt.c.reason.is_not(None))
        .order_by(trial.c.number)
    )


def _attempts() -> Select[Any]:
    trial, attempt = schema.trial, schema.attempt
    left_out = ("id", "trial_id", "number", "log_tail", "task", "token", "login")  # whoever has the token can report
    columns = [column for column in attempt.c if column.name not in left_out]
    return (
        select(trial.c.number.label("trial"), attempt.c.number.label("attempt"), *columns)
        .join_from(trial, attempt, attempt.c.trial_id == trial.c.id)
        .order_by(trial.c.number, attempt.c.number)
    )
