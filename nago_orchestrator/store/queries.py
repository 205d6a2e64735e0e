"""What the command line and the report read: plain rows (dicts) from the views. Nothing here writes.

Numbers keep NaN and infinity as floats, times are aware and in UTC, JSON columns are Python values, states are plain
strings. Every function may raise DatabaseError, and NotFoundError for a study or trial that does not exist.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine, Select, Table, func, select

from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.errors import NotFoundError
from nago_orchestrator.store import lock, schema, studies, views
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import describe
from nago_orchestrator.store.rows import Row, evaluation_columns, evaluation_rows, of_study, reading, rows
from nago_orchestrator.store.tally import tally

_FINAL = [state for state in TrialState if state.is_final]


def list_studies(engine: Engine) -> list[Row]:
    """All, oldest first: name, state, message, created_at, changed_at, proposals, evaluations, trials, finished."""
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
        )


def holder(engine: Engine, name: str) -> str | None:
    """Who runs the study now; None if nobody does."""
    with reading(engine) as connection:
        study_id = studies.find_id(connection, name)
    with translated(describe(engine.url)):
        return lock.holder(engine, study_id)


def study_status(engine: Engine, name: str) -> Row:
    """One study: `list_studies`' columns; `holder`, who runs it now, or None; seed, objectives (name, goal, reference),
    spec; prior, how many evaluations of others it began with; trial_states and failures (counts by name), attempts,
    live_attempts, seconds, gpu_seconds; `running`, the overview rows of its running trials."""
    overview = views.trial_overview
    with reading(engine) as connection:
        study = studies.find(connection, name)
        counts = tally(connection, study.id)
        running = rows(
            connection,
            of_study(overview, name).where(overview.c.state == TrialState.RUNNING).order_by(overview.c.trial),
        )
        holder = lock.holder(engine, study.id)
    states = {state.value: count for state, count in counts.trials.items()}
    return {
        "name": study.name,
        "state": study.state.value,
        "message": study.message,
        "created_at": study.created_at,
        "changed_at": study.changed_at,
        "proposals": counts.proposals,
        "evaluations": counts.evaluations,
        "trials": sum(states.values()),
        "finished": sum(states[state] for state in _FINAL),
        "prior": len(study.prior),
        "seed": study.seed,
        "objectives": [{**asdict(objective), "goal": objective.goal.value} for objective in study.objectives],
        "spec": study.spec,
        "trial_states": states,
        "failures": {kind.value: count for kind, count in counts.failures.items()},
        "attempts": counts.attempts,
        "live_attempts": counts.live_attempts,
        "seconds": counts.seconds,
        "gpu_seconds": counts.gpu_seconds,
        "running": running,
        "holder": holder,
    }


def list_trials(engine: Engine, name: str, *, state: str | None = None, limit: int | None = None) -> list[Row]:
    """Rows of `trial_overview` by number; with a limit the newest ones, still by number."""
    overview = views.trial_overview
    chosen = of_study(overview, name).order_by(overview.c.trial.desc()).limit(limit)
    if state is not None:
        chosen = chosen.where(overview.c.state == state)
    with reading(engine) as connection:
        studies.find_id(connection, name)
        return rows(connection, chosen)[::-1]


def show_trial(engine: Engine, study: str, trial_number: int) -> Row:
    """Its overview row; theta, canonical_theta, architecture, architecture_seed, training_seed;
    `attempt_rows` and `epoch_rows` (as `attempts` and `epochs` give them, with each attempt's log_tail)."""
    trial, proposal, attempt, epoch = schema.trial, schema.proposal, schema.attempt, schema.epoch
    with reading(engine) as connection:
        chosen = (trial.c.study_id == studies.find_id(connection, study), trial.c.number == trial_number)
        own = rows(
            connection,
            select(
                proposal.c.theta,
                proposal.c.canonical_theta,
                trial.c.architecture,
                trial.c.architecture_seed,
                trial.c.training_seed,
            )
            .join_from(trial, proposal, trial.c.proposal_id == proposal.c.id)
            .where(*chosen),
        )
        if not own:
            raise NotFoundError(f"The study {study!r} has no trial {trial_number}: `nago-orch trials` lists them.")
        view = of_study(views.trial_overview, study).where(views.trial_overview.c.trial == trial_number)
        return {
            **rows(connection, view)[0],
            **own[0],
            "attempt_rows": rows(connection, _attempts().add_columns(attempt.c.log_tail).where(*chosen)),
            "epoch_rows": rows(connection, _epochs().where(*chosen).order_by(attempt.c.number, epoch.c.epoch)),
        }


def final_training(engine: Engine, name: str) -> list[Row]:
    """One row for each generator that was trained in full for so many epochs, the earliest first: proposal, parent
    (the search's proposal), epochs, theta, and `trials`, the overview rows of its networks with `network`, where each
    was saved."""
    overview, proposal, trial, result = views.trial_overview, schema.proposal, schema.trial, schema.result
    with reading(engine) as connection:
        own = proposal.c.study_id == studies.find_id(connection, name)
        columns = (proposal.c.number.label("proposal"), proposal.c.parent, proposal.c.fidelity.label("epochs"))
        asked = select(*columns, proposal.c.theta).where(own, proposal.c.final).order_by(proposal.c.number)
        networks = (
            select(trial.c.number, result.c.network)
            .join_from(result, trial, result.c.trial_id == trial.c.id)
            .join(proposal, trial.c.proposal_id == proposal.c.id)
            .where(own, proposal.c.final)
        )
        saved = {number: network for number, network in connection.execute(networks)}
        trained = rows(connection, of_study(overview, name).where(overview.c.final).order_by(overview.c.trial))
        generators: dict[tuple[int, int], Row] = {}
        by_proposal: dict[int, Row] = {}
        for row in rows(connection, asked):  # several of one generator: networks that were asked for later
            by_proposal[row["proposal"]] = generators.setdefault((row["parent"], row["epochs"]), {**row, "trials": []})
        for row in trained:
            by_proposal[row["proposal"]]["trials"].append({**row, "network": saved.get(row["trial"])})
        return list(generators.values())


def full_trainings(engine: Engine, name: str) -> list[Row]:
    """How many networks are or were trained in full (`trials`), by `epochs` and `state`; none before `train-best`."""
    trial, proposal = schema.trial, schema.proposal
    by = (proposal.c.fidelity.label("epochs"), trial.c.state)
    counts = select(*by, func.count().label("trials")).join_from(trial, proposal, trial.c.proposal_id == proposal.c.id)
    with reading(engine) as connection:
        own = proposal.c.study_id == studies.find_id(connection, name)
        return rows(connection, counts.where(own, proposal.c.final).group_by(*by).order_by(*by))


def gpu_ledger(engine: Engine, name: str) -> list[Row]:
    """Rows of the view: one for each outcome that occurred, by its name."""
    with reading(engine) as connection:
        studies.find_id(connection, name)
        return rows(connection, of_study(views.gpu_ledger, name).order_by(views.gpu_ledger.c.outcome))


def epochs(engine: Engine, name: str) -> list[Row]:
    """Every epoch of every attempt: trial, attempt (their numbers) and the columns of `epoch`."""
    trial, attempt, epoch = schema.trial, schema.attempt, schema.epoch
    with reading(engine) as connection:
        own = trial.c.study_id == studies.find_id(connection, name)
        return rows(connection, _epochs().where(own).order_by(trial.c.number, attempt.c.number, epoch.c.epoch))


def evaluations(engine: Engine, name: str) -> list[Row]:
    """In told order: the columns of the view `incumbent`, outcome, parent, slot, told_before, final and notes."""
    proposal, evaluation = schema.proposal, schema.evaluation
    with reading(engine) as connection:
        own = evaluation.c.study_id == studies.find_id(connection, name)
        return evaluation_rows(
            connection,
            select(
                *evaluation_columns(),
                proposal.c.parent,
                proposal.c.slot,
                proposal.c.told_before,
                proposal.c.notes,
            )
            .join_from(evaluation, proposal, evaluation.c.proposal_id == proposal.c.id)
            .where(own)
            .order_by(evaluation.c.number),
        )


def attempts(engine: Engine, name: str) -> list[Row]:
    """Every attempt by trial and number (column `attempt`), without log tails."""
    with reading(engine) as connection:
        own = schema.trial.c.study_id == studies.find_id(connection, name)
        return rows(connection, _attempts().where(own))


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


def _attempts() -> Select[Any]:
    trial, attempt = schema.trial, schema.attempt
    left_out = ("id", "trial_id", "number", "log_tail", "task")
    columns = [column for column in attempt.c if column.name not in left_out]
    return (
        select(trial.c.number.label("trial"), attempt.c.number.label("attempt"), *columns)
        .join_from(trial, attempt, attempt.c.trial_id == trial.c.id)
        .order_by(trial.c.number, attempt.c.number)
    )
