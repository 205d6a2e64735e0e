"""What trainers report to the database: it is stored once and exactly, or refused; and who is heard."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import errors
from sqlalchemy import Engine, select

from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.errors import StaleStateError
from nago_orchestrator.store import queries
from nago_orchestrator.store.schema import epoch, metadata
from nago_trainer.attempt.database_report import DatabaseReport
from nago_trainer.attempt.postgres import AttemptDatabase, DatabaseRefusedError
from nago_trainer.attempt.termination_message import TerminationMessage
from nago_trainer.contract.class_details import MOST_CHARACTERS
from nago_trainer.contract.reports import EpochRecord, TrialResult
from tests.conftest import PostgresDatabases
from tests.store_scene import DETAILS, ENDED, EPOCH, NOW
from tests.trainer_scene import SMALL_RESULT as RESULT
from tests.trainer_scene import TrainerScene

TABLES = [table.name for table in metadata.sorted_tables]
DIVERGED = replace(RESULT, diverged=True, validation_accuracy=0.0, validation_loss=math.inf, network="a/b.pt")


def test_the_task_comes_as_it_was_given(trainer: TrainerScene) -> None:
    new = trainer.attempt()
    assert trainer.read(new) == trainer.task(1, "").to_json()


def test_epochs_and_result_are_stored_once_and_exactly(trainer: TrainerScene, postgres_engine: Engine) -> None:
    new = trainer.attempt()
    diverging = replace(EPOCH, epoch=2, training_loss=math.inf, validation_loss=math.nan, seconds=0.1 + 0.2)
    for record in (EPOCH, diverging, replace(EPOCH, seconds=77.0)):
        assert trainer.add(new, record)
    assert trainer.add(new, DIVERGED)
    assert trainer.add(new, RESULT)
    assert trainer.trial.result == DIVERGED
    with postgres_engine.connect() as connection:
        rows = connection.execute(select(epoch).order_by(epoch.c.epoch)).mappings().all()
    found = [{name: row[name] for name in row if name not in ("attempt_id", "recorded_at")} for row in rows]
    assert [EpochRecord(**values).to_json() for values in found] == [EPOCH.to_json(), diverging.to_json()]


INCOMPLETE = [
    None,
    "null",
    "{}",
    "[]",
    '"text"',
    '{"epoch": 0}',
    '{"epoch": "x"}',
    '{"epochs": 1}',
    '{"epochs": null}',
]


@pytest.mark.parametrize("function", ["nago_add_epoch", "nago_add_result"])
def test_what_is_incomplete_is_not_stored(trainer: TrainerScene, subtests: pytest.Subtests, function: str) -> None:
    new = trainer.attempt()
    for content in INCOMPLETE:
        with subtests.test(str(content)), pytest.raises((errors.IntegrityError, errors.DataError)):
            trainer.ask(f"SELECT {function}(%s::jsonb)", content, by=new)
        assert trainer.trial.result is None


IMPOSSIBLE: list[tuple[EpochRecord | TrialResult, dict[str, Any]]] = [
    (RESULT, {"validation_accuracy": 7.0}),
    (RESULT, {"validation_accuracy": math.nan}),
    (RESULT, {"validation_loss": -1.0}),
    (RESULT, {"seconds": math.inf}),
    (RESULT, {"seconds_to_first_step": -1.0}),
    (RESULT, {"epochs": 99}),
    (RESULT, {"epochs": -1}),
    (RESULT, {"parameters": 1}),
    (RESULT, {"macro_f1": 1.5}),
    (RESULT, {"calibration_error": math.nan}),
    (RESULT, {"custom": math.inf}),
    (RESULT, {"custom": math.nan}),
    (RESULT, {"custom": -1.0}),
    (RESULT, {"custom": 1e13}),
    (EPOCH, {"training_accuracy": 1.5}),
    (EPOCH, {"validation_loss": -math.inf}),
    (EPOCH, {"learning_rate": math.inf}),
    (EPOCH, {"seconds": -1.0}),
]


def test_what_no_training_can_have_measured_is_not_stored(trainer: TrainerScene, subtests: pytest.Subtests) -> None:
    new = trainer.attempt()
    for wrong, changes in IMPOSSIBLE:
        with (
            subtests.test(str(changes)),
            pytest.raises(DatabaseRefusedError, match="the report is not valid: " + next(iter(changes))),
        ):
            trainer.add(new, replace(wrong, **changes))
        assert trainer.trial.result is None


def test_details_by_class_come_with_the_result_and_are_bounded(trainer: TrainerScene, postgres_engine: Engine) -> None:
    new = trainer.attempt()
    refused: tuple[Any, ...] = ([], "text", {"class_names": "x" * MOST_CHARACTERS})
    for wrong in refused:
        told = json.dumps({**RESULT.to_json(), "details": wrong})
        with pytest.raises(errors.CheckViolation, match="details must be an object of at most"):
            trainer.ask("SELECT nago_add_result(%s::jsonb)", told, by=new)
    assert trainer.add(new, replace(RESULT, details=DETAILS))
    study = trainer.scene.study.name
    assert queries.class_details(postgres_engine, study, [trainer.trial.number]) == {trainer.trial.number: DETAILS}
    assert queries.show_trial(postgres_engine, study, trainer.trial.number).details == DETAILS


AS_SENT = DETAILS.to_json()


@pytest.mark.parametrize(
    "hostile",
    [
        json.dumps({**AS_SENT, "images": []}).replace("[]", f"[{'9' * 5000}]"),
        json.dumps({**AS_SENT, "images": []}).replace("[]", "[" * 5000 + "]" * 5000),
        json.dumps({**AS_SENT, "images": [10**30, 1]}),
    ],
    ids=["digits", "depth", "size"],
)
def test_details_that_cannot_be_read_count_as_none(
    trainer: TrainerScene, postgres_engine: Engine, hostile: str
) -> None:
    new = trainer.attempt()
    told = json.dumps({**RESULT.to_json(), "details": None}).replace('"details": null', f'"details": {hostile}')
    assert trainer.ask("SELECT nago_add_result(%s::jsonb)", told, by=new)
    study = trainer.scene.study.name
    assert queries.class_details(postgres_engine, study, [trainer.trial.number]) == {}
    assert queries.show_trial(postgres_engine, study, trainer.trial.number).details is None
    assert trainer.trial.result is not None


def test_a_training_that_diverged_has_no_number_of_its_own_objective(trainer: TrainerScene) -> None:
    diverged = replace(RESULT, diverged=True, validation_accuracy=0.0, validation_loss=math.inf, custom=math.nan)
    assert trainer.add(trainer.attempt(), diverged)
    stored = trainer.trial.result
    assert stored is not None
    assert stored.custom is not None
    assert math.isnan(stored.custom)


def test_only_the_trial_s_own_epochs_are_stored(trainer: TrainerScene, subtests: pytest.Subtests) -> None:
    new = trainer.attempt()
    for number in (0, -1, 4, 2**31 - 1, 2**40):
        with subtests.test(str(number)), pytest.raises(DatabaseRefusedError):
            trainer.add(new, replace(EPOCH, epoch=number))


@pytest.mark.parametrize("has_login", [True, False])
def test_a_trainer_of_the_version_before_gets_its_task_and_reports(trainer: TrainerScene, has_login: bool) -> None:
    """By name and token: those that ran during the upgrade, and older images in newer Jobs."""
    new = trainer.attempt() if has_login else trainer.former_attempt()
    by, token = (new if has_login else None), trainer.token_of(new)
    assert trainer.ask("SELECT nago_read_task(%s, %s)", new.name, token, by=by) == trainer.task(1, token).to_json()
    for function, item in (("nago_add_epoch", EPOCH), ("nago_add_result", RESULT)):
        content = json.dumps(item.to_json())
        assert trainer.ask(f"SELECT {function}(%s, %s, %s::jsonb)", new.name, token, content, by=by)
    assert trainer.trial.result == RESULT


def test_a_trainer_of_this_version_works_in_a_pod_of_the_version_before(trainer: TrainerScene) -> None:
    new = trainer.former_attempt()
    database = AttemptDatabase(trainer.address, attempt=new.name, token=trainer.token_of(new))
    with database.session() as session:
        assert session.read_task() == trainer.task(1, trainer.token_of(new)).to_json()
        assert session.add_epoch(EPOCH)
        assert session.add_result(RESULT)
    assert trainer.trial.result == RESULT


def test_an_attempt_that_is_over_has_no_task(trainer: TrainerScene) -> None:
    new = trainer.attempt()
    trainer.lose(new)
    assert trainer.read(new) is None


def test_a_stale_attempt_is_not_heard(trainer: TrainerScene) -> None:
    stale = trainer.attempt()
    trainer.lose(stale)
    newer = trainer.attempt()
    assert not trainer.add(stale, EPOCH)
    assert not trainer.add(stale)
    assert trainer.trial.result is None
    assert trainer.add(newer)
    assert trainer.trial.result == RESULT
    assert not trainer.add(stale)


@pytest.mark.parametrize("ended", [TrialState.CANCELLED, TrialState.FAILED])
def test_a_trial_that_is_over_takes_nothing(trainer: TrainerScene, ended: TrialState) -> None:
    new = trainer.attempt()
    trainer.scene.fail(new, Failure.DEFECT, ended)
    assert not trainer.add(new, EPOCH)
    assert not trainer.add(new)


def test_the_late_result_of_the_newest_attempt_is_adopted(trainer: TrainerScene) -> None:
    new = trainer.attempt()
    trainer.store.mark_running(new.id, node="n", uid="u", now=NOW)
    trainer.lose(new)
    assert trainer.add(new, EPOCH)
    assert trainer.add(new)
    late = trainer.trial
    assert (late.state, late.live_attempt, late.result) == (TrialState.QUEUED, None, RESULT)
    assert late.attempts[-1].state is AttemptState.FAILED
    with pytest.raises(StaleStateError, match="received a result in the meantime"):
        trainer.attempt()
    assert late.result is not None
    trainer.store.accept_result(late.attempts[-1].id, late.result, observation=ENDED, now=NOW)
    assert trainer.store.active_trials(trainer.scene.study.id) == ()
    tally = trainer.store.tally(trainer.scene.study.id)
    assert (tally.trials[TrialState.SUCCEEDED], tally.failures[Failure.INFRASTRUCTURE]) == (1, 0)


def test_a_result_that_came_first_keeps_the_trial_from_failing(trainer: TrainerScene) -> None:
    new = trainer.attempt()
    assert trainer.add(new)
    with pytest.raises(StaleStateError, match="received a result in the meantime"):
        trainer.scene.fail(new, Failure.DEFECT, TrialState.FAILED)
    trainer.lose(new)  # back in the queue, where it is adopted
    trainer.store.accept_result(new.id, RESULT, observation=ENDED, now=NOW)
    assert trainer.store.active_trials(trainer.scene.study.id) == ()


def test_an_epoch_that_is_refused_does_not_stand_in_the_result_s_way(
    trainer: TrainerScene, postgres: PostgresDatabases, postgres_engine: Engine, tmp_path: Path
) -> None:
    new = trainer.attempt()
    admin = postgres_engine.url.render_as_string(hide_password=False)
    function = "FUNCTION nago_add_epoch(jsonb)"
    postgres.execute(f"REVOKE EXECUTE ON {function} FROM nago_trainer", address=admin)
    try:
        report = DatabaseReport(
            AttemptDatabase(trainer.address_of(new)),
            TerminationMessage(tmp_path / "message", trainer.token_of(new)),
            on_message=lambda: None,
        )
        report.epoch(EPOCH)
        report.result(RESULT)
    finally:
        postgres.execute(f"GRANT EXECUTE ON {function} TO nago_trainer", address=admin)
    assert report.stored
    assert trainer.trial.result == RESULT
