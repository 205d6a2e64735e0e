"""What a trainer's database user may do: read its own task, add its epochs and its result, and nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors
from sqlalchemy import Engine, select

from nago_orchestrator.domain.attempts import Attempt
from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.errors import DatabaseError, StaleStateError
from nago_orchestrator.store import queries, versions
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.schema import epoch, metadata
from nago_orchestrator.store.store import Store
from nago_trainer.attempt.database_report import DatabaseReport
from nago_trainer.attempt.postgres import AttemptDatabase, DatabaseRefusedError
from nago_trainer.attempt.termination_message import TerminationMessage
from nago_trainer.contract.class_details import MOST_CHARACTERS
from nago_trainer.contract.reports import EpochRecord, TrialResult
from tests.conftest import PostgresDatabases
from tests.store_scene import DETAILS, ENDED, EPOCH, NOW
from tests.trainer_scene import CREATE_USER, TrainerScene, as_trainer
from tests.trainer_scene import SMALL_RESULT as RESULT

TABLES = [table.name for table in metadata.sorted_tables]
DIVERGED = replace(RESULT, diverged=True, validation_accuracy=0.0, validation_loss=math.inf, network="a/b.pt")


@pytest.fixture
def engine(postgres: PostgresDatabases) -> Iterator[Engine]:
    opened = connect(postgres.without_rows())
    yield opened
    opened.dispose()


@pytest.fixture
def scene(engine: Engine, postgres: PostgresDatabases, tmp_path: Path) -> TrainerScene:
    address = engine.url.render_as_string(hide_password=False)
    postgres.execute(CREATE_USER, address=address)
    return TrainerScene(Store(engine), as_trainer(address), tmp_path)


def _ask(scene: TrainerScene, statement: str, *arguments: object, by: Attempt | None = None) -> Any:
    """With an attempt's login or the one that all had before, in a session of its own."""
    address = scene.address if by is None else scene.address_of(by)
    with closing(psycopg2.connect(address)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchone()[0] if cursor.description else None


def _read(scene: TrainerScene, attempt: Attempt) -> dict[str, Any] | None:
    with AttemptDatabase(scene.address_of(attempt)).session() as session:
        return session.read_task()


def _add(scene: TrainerScene, attempt: Attempt, item: EpochRecord | TrialResult = RESULT) -> bool:
    with AttemptDatabase(scene.address_of(attempt)).session() as session:
        return session.add_epoch(item) if isinstance(item, EpochRecord) else session.add_result(item)


def test_the_task_comes_as_it_was_given(scene: TrainerScene) -> None:
    new = scene.attempt()
    assert _read(scene, new) == scene.task(1, "").to_json()


def test_epochs_and_result_are_stored_once_and_exactly(scene: TrainerScene, engine: Engine) -> None:
    new = scene.attempt()
    diverging = replace(EPOCH, epoch=2, training_loss=math.inf, validation_loss=math.nan, seconds=0.1 + 0.2)
    for record in (EPOCH, diverging, replace(EPOCH, seconds=77.0)):
        assert _add(scene, new, record)
    assert _add(scene, new, DIVERGED)
    assert _add(scene, new, RESULT)
    assert scene.trial.result == DIVERGED
    with engine.connect() as connection:
        rows = connection.execute(select(epoch).order_by(epoch.c.epoch)).mappings().all()
    found = [{name: row[name] for name in row if name not in ("attempt_id", "recorded_at")} for row in rows]
    assert [EpochRecord(**values).to_json() for values in found] == [EPOCH.to_json(), diverging.to_json()]


def test_no_table_may_be_touched(scene: TrainerScene) -> None:
    refusals = (errors.InsufficientPrivilege, errors.WrongObjectType, errors.ObjectNotInPrerequisiteState)
    statements = [
        f"{statement} {table} {rest}"
        for table in (*TABLES, "trial_overview", "incumbent", "pareto_front", "gpu_ledger")
        for statement, rest in (
            ("SELECT count(*) FROM", ""),
            ("DELETE FROM", ""),
            ("TRUNCATE", ""),
            ("INSERT INTO", "DEFAULT VALUES"),
            ("DROP TABLE", ""),
            ("LOCK TABLE", "IN SHARE MODE"),
        )
    ]
    refused = []
    with closing(psycopg2.connect(scene.address)) as connection, connection.cursor() as cursor:
        for statement in statements:
            try:
                cursor.execute(statement)
            except refusals:  # views are refused for what they are
                refused.append(statement)
            connection.rollback()
    assert refused == statements


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE attempt SET state = 'succeeded'",
        "UPDATE study SET state = 'completed'",
        "SELECT token FROM attempt",
        "SELECT setval('attempt_id_seq', 1)",
        "CREATE TABLE mine (a integer)",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER FUNCTION nago_read_task(text, text) SECURITY INVOKER",
        "SET ROLE nago",
        "CREATE ROLE more",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY attempt TO PROGRAM 'true'",
    ],
)
def test_nothing_else_may_be_done(scene: TrainerScene, statement: str) -> None:
    scene.attempt()
    with pytest.raises(errors.InsufficientPrivilege):
        _ask(scene, statement)


def test_nobody_else_may_call_the_functions(scene: TrainerScene, postgres: PostgresDatabases) -> None:
    stranger = "nago_test_stranger"
    postgres.execute(f"DROP ROLE IF EXISTS {stranger}", f"CREATE ROLE {stranger} LOGIN PASSWORD 'secret'")
    scene.address = scene.address.replace("nago_test_trainer", stranger)
    new = scene.former_attempt()
    assert scene.address_of(new) == scene.address
    for call in (_read, _add):
        with pytest.raises(DatabaseRefusedError, match="permission denied for function"):
            call(scene, new)
    postgres.execute(f"DROP ROLE {stranger}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "content"),
    [
        ("nago_read_task", []),
        ("nago_add_epoch", [json.dumps(EPOCH.to_json())]),
        ("nago_add_result", [json.dumps(RESULT.to_json())]),
    ],
)
@pytest.mark.parametrize(
    ("name", "token"),
    [
        (None, "wrong"),
        (None, ""),
        (None, "NULL"),
        ("digits-demo-t00000-a2", None),
        ("NULL", None),
        ("NULL", "NULL"),
        ("%", "%"),
        ("digits-demo-t00000-a1' OR true --", "' OR true --"),
    ],
)
def test_an_attempt_of_the_version_before_needs_its_name_and_its_token(
    scene: TrainerScene, function: str, content: list[str], name: str | None, token: str | None
) -> None:
    new = scene.former_attempt()
    own = scene.token_of(new)
    given = [None if value == "NULL" else value for value in (name or new.name, token if token is not None else own)]
    places = ", ".join(["%s", "%s", *("%s::jsonb" for _ in content)])
    with pytest.raises(errors.InsufficientPrivilege, match="no attempt of this name and token"):
        _ask(scene, f"SELECT {function}({places})", *given, *content)
    assert scene.trial.result is None


@pytest.mark.parametrize("function", ["nago_add_epoch", "nago_add_result"])
@pytest.mark.parametrize(
    "content",
    [None, "null", "{}", "[]", '"text"', '{"epoch": 0}', '{"epoch": "x"}', '{"epochs": 1}', '{"epochs": null}'],
)
def test_what_is_incomplete_is_not_stored(scene: TrainerScene, function: str, content: str | None) -> None:
    new = scene.attempt()
    with pytest.raises((errors.IntegrityError, errors.DataError)):
        _ask(scene, f"SELECT {function}(%s::jsonb)", content, by=new)
    assert scene.trial.result is None


@pytest.mark.parametrize(
    ("wrong", "changes"),
    [
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
    ],
)
def test_what_no_training_can_have_measured_is_not_stored(
    scene: TrainerScene, wrong: EpochRecord | TrialResult, changes: dict[str, Any]
) -> None:
    new = scene.attempt()
    with pytest.raises(DatabaseRefusedError, match="the report is not valid: " + next(iter(changes))):
        _add(scene, new, replace(wrong, **changes))
    assert scene.trial.result is None


def test_details_by_class_come_with_the_result_and_are_bounded(scene: TrainerScene, engine: Engine) -> None:
    new = scene.attempt()
    refused: tuple[Any, ...] = ([], "text", {"class_names": "x" * MOST_CHARACTERS})
    for wrong in refused:
        told = json.dumps({**RESULT.to_json(), "details": wrong})
        with pytest.raises(errors.CheckViolation, match="details must be an object of at most"):
            _ask(scene, "SELECT nago_add_result(%s::jsonb)", told, by=new)
    assert _add(scene, new, replace(RESULT, details=DETAILS))
    study = scene.scene.study.name
    assert queries.class_details(engine, study, [scene.trial.number]) == {scene.trial.number: DETAILS}
    assert queries.show_trial(engine, study, scene.trial.number).details == DETAILS


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
def test_details_that_cannot_be_read_count_as_none(scene: TrainerScene, engine: Engine, hostile: str) -> None:
    new = scene.attempt()
    told = json.dumps({**RESULT.to_json(), "details": None}).replace('"details": null', f'"details": {hostile}')
    assert _ask(scene, "SELECT nago_add_result(%s::jsonb)", told, by=new)
    study = scene.scene.study.name
    assert queries.class_details(engine, study, [scene.trial.number]) == {}
    assert queries.show_trial(engine, study, scene.trial.number).details is None
    assert scene.trial.result is not None


def test_a_training_that_diverged_has_no_number_of_its_own_objective(scene: TrainerScene) -> None:
    diverged = replace(RESULT, diverged=True, validation_accuracy=0.0, validation_loss=math.inf, custom=math.nan)
    assert _add(scene, scene.attempt(), diverged)
    stored = scene.trial.result
    assert stored is not None
    assert stored.custom is not None
    assert math.isnan(stored.custom)


@pytest.mark.parametrize("number", [0, -1, 4, 2**31 - 1, 2**40])
def test_only_the_trial_s_own_epochs_are_stored(scene: TrainerScene, number: int) -> None:
    new = scene.attempt()
    with pytest.raises(DatabaseRefusedError):
        _add(scene, new, replace(EPOCH, epoch=number))


def test_another_s_search_path_changes_nothing(
    scene: TrainerScene, postgres: PostgresDatabases, engine: Engine
) -> None:
    """Tables, operators and functions of the caller's own stand first in its path; none of them is used."""
    new = scene.former_attempt()
    admin = engine.url.render_as_string(hide_password=False)
    postgres.execute("CREATE SCHEMA evil", "GRANT ALL ON SCHEMA evil TO PUBLIC", address=admin)
    try:
        with closing(psycopg2.connect(scene.address)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for table in ("attempt", "trial", "epoch", "result"):
                cursor.execute(f"CREATE TEMP TABLE {table} (id integer, token text, name text, task json)")
            cursor.execute(
                "CREATE FUNCTION evil.always(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';"
                "CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.always);"
                "CREATE TABLE evil.attempt (id integer, token text, name text, task json);"
                "INSERT INTO evil.attempt VALUES (1, 'x', 'x', '{}');"
                "SET search_path = pg_temp, evil, pg_catalog, public"
            )
            token = scene.token_of(new)
            with pytest.raises(errors.InsufficientPrivilege, match="no attempt of this name"):
                cursor.execute("SELECT nago_read_task('x', 'x')")
            cursor.execute("SELECT nago_add_result(%s, %s, %s)", (new.name, token, json.dumps(RESULT.to_json())))
    finally:
        postgres.execute("DROP SCHEMA evil CASCADE", address=admin)
    assert scene.trial.result == RESULT


@pytest.mark.parametrize("has_login", [True, False])
def test_a_trainer_of_the_version_before_gets_its_task_and_reports(scene: TrainerScene, has_login: bool) -> None:
    """By name and token: those that ran during the upgrade, and older images in newer Jobs."""
    new = scene.attempt() if has_login else scene.former_attempt()
    by, token = (new if has_login else None), scene.token_of(new)
    assert _ask(scene, "SELECT nago_read_task(%s, %s)", new.name, token, by=by) == scene.task(1, token).to_json()
    for function, item in (("nago_add_epoch", EPOCH), ("nago_add_result", RESULT)):
        content = json.dumps(item.to_json())
        assert _ask(scene, f"SELECT {function}(%s, %s, %s::jsonb)", new.name, token, content, by=by)
    assert scene.trial.result == RESULT


def test_a_trainer_of_this_version_works_in_a_pod_of_the_version_before(scene: TrainerScene) -> None:
    new = scene.former_attempt()
    database = AttemptDatabase(scene.address, attempt=new.name, token=scene.token_of(new))
    with database.session() as session:
        assert session.read_task() == scene.task(1, scene.token_of(new)).to_json()
        assert session.add_epoch(EPOCH)
        assert session.add_result(RESULT)
    assert scene.trial.result == RESULT


def test_a_token_is_of_no_use_to_another_login(scene: TrainerScene) -> None:
    new = scene.attempt()
    content = json.dumps(RESULT.to_json())
    with pytest.raises(errors.InsufficientPrivilege, match="no attempt of this name and token"):
        _ask(scene, "SELECT nago_add_result(%s, %s, %s::jsonb)", new.name, scene.token_of(new), content)
    with pytest.raises(errors.InsufficientPrivilege, match="no attempt of this login"):
        _ask(scene, "SELECT nago_add_result(%s::jsonb)", content)
    assert scene.trial.result is None


def test_nothing_in_the_database_opens_anything(scene: TrainerScene, engine: Engine) -> None:
    new = scene.attempt()
    login = scene.given[new.name].login
    assert login is not None
    with engine.connect() as connection:
        rows = [str(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
        rows += [str(row) for row in connection.exec_driver_sql("SELECT * FROM pg_authid")]
    text = "\n".join(rows)
    assert login.role in text
    assert scene.token_of(new) not in text
    assert login.password not in text


def test_an_attempt_that_is_over_has_no_task(scene: TrainerScene) -> None:
    new = scene.attempt()
    scene.lose(new)
    assert _read(scene, new) is None


def test_a_stale_attempt_is_not_heard(scene: TrainerScene) -> None:
    stale = scene.attempt()
    scene.lose(stale)
    newer = scene.attempt()
    assert not _add(scene, stale, EPOCH)
    assert not _add(scene, stale)
    assert scene.trial.result is None
    assert _add(scene, newer)
    assert scene.trial.result == RESULT
    assert not _add(scene, stale)


@pytest.mark.parametrize("ended", [TrialState.CANCELLED, TrialState.FAILED])
def test_a_trial_that_is_over_takes_nothing(scene: TrainerScene, ended: TrialState) -> None:
    new = scene.attempt()
    scene.scene.fail(new, Failure.DEFECT, ended)
    assert not _add(scene, new, EPOCH)
    assert not _add(scene, new)


def test_the_late_result_of_the_newest_attempt_is_adopted(scene: TrainerScene) -> None:
    new = scene.attempt()
    scene.store.mark_running(new.id, node="n", uid="u", now=NOW)
    scene.lose(new)
    assert _add(scene, new, EPOCH)
    assert _add(scene, new)
    late = scene.trial
    assert (late.state, late.live_attempt, late.result) == (TrialState.QUEUED, None, RESULT)
    assert late.attempts[-1].state is AttemptState.FAILED
    with pytest.raises(StaleStateError, match="received a result in the meantime"):
        scene.attempt()
    assert late.result is not None
    scene.store.accept_result(late.attempts[-1].id, late.result, observation=ENDED, now=NOW)
    assert scene.store.active_trials(scene.scene.study.id) == ()
    tally = scene.store.tally(scene.scene.study.id)
    assert (tally.trials[TrialState.SUCCEEDED], tally.failures[Failure.INFRASTRUCTURE]) == (1, 0)


def test_a_result_that_came_first_keeps_the_trial_from_failing(scene: TrainerScene) -> None:
    new = scene.attempt()
    assert _add(scene, new)
    with pytest.raises(StaleStateError, match="received a result in the meantime"):
        scene.scene.fail(new, Failure.DEFECT, TrialState.FAILED)
    scene.lose(new)  # back in the queue, where it is adopted
    scene.store.accept_result(new.id, RESULT, observation=ENDED, now=NOW)
    assert scene.store.active_trials(scene.scene.study.id) == ()


def test_an_epoch_that_is_refused_does_not_stand_in_the_result_s_way(
    scene: TrainerScene, postgres: PostgresDatabases, engine: Engine, tmp_path: Path
) -> None:
    new = scene.attempt()
    admin = engine.url.render_as_string(hide_password=False)
    function = "FUNCTION nago_add_epoch(jsonb)"
    postgres.execute(f"REVOKE EXECUTE ON {function} FROM nago_trainer", address=admin)
    try:
        report = DatabaseReport(
            AttemptDatabase(scene.address_of(new)),
            TerminationMessage(tmp_path / "message", scene.token_of(new)),
            on_message=lambda: None,
        )
        report.epoch(EPOCH)
        report.result(RESULT)
    finally:
        postgres.execute(f"GRANT EXECUTE ON {function} TO nago_trainer", address=admin)
    assert report.stored
    assert scene.trial.result == RESULT


def test_a_user_that_may_not_create_roles_is_told_what_to_do(postgres: PostgresDatabases) -> None:
    """On a server that lacks the role: here it is renamed for a moment."""
    address, owner = postgres.create(), "nago_test_owner"
    database = address.rpartition("/")[2].partition("?")[0]
    postgres.execute(f"DROP ROLE IF EXISTS {owner}", f"CREATE ROLE {owner} LOGIN PASSWORD 'secret'")
    postgres.execute(f"ALTER DATABASE {database} OWNER TO {owner}")
    as_owner = as_trainer(address).replace("nago_test_trainer", owner)
    roles = _roles(address)
    if "nago_trainer" in roles:
        postgres.execute("ALTER ROLE nago_trainer RENAME TO nago_trainer_away")
    try:
        with pytest.raises(DatabaseError, match="CREATE ROLE nago_trainer NOLOGIN"):
            versions.upgrade(as_owner)
    finally:
        if "nago_trainer" in roles:
            postgres.execute("ALTER ROLE nago_trainer_away RENAME TO nago_trainer")
        else:
            postgres.execute("CREATE ROLE nago_trainer NOLOGIN")
    versions.upgrade(as_owner)
    versions.downgrade(as_owner, "0002")
    versions.upgrade(as_owner)


def _roles(address: str) -> list[str]:
    engine = connect(address)
    with engine.connect() as connection:
        found: list[str] = list(connection.exec_driver_sql("SELECT rolname FROM pg_roles").scalars())
    engine.dispose()
    return found
