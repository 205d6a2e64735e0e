"""What a trainer's database user may do, and what nobody else may do with its functions."""

from __future__ import annotations

import json
from contextlib import closing

import psycopg2
import pytest
from psycopg2 import errors
from sqlalchemy import Engine, select

from nago_orchestrator.errors import DatabaseError
from nago_orchestrator.store import versions
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.schema import metadata
from nago_trainer.attempt.postgres import DatabaseRefusedError
from tests.conftest import PostgresDatabases
from tests.store_scene import EPOCH
from tests.trainer_scene import SMALL_RESULT as RESULT
from tests.trainer_scene import TrainerScene, as_trainer


def test_no_table_may_be_touched(trainer: TrainerScene) -> None:
    refusals = (errors.InsufficientPrivilege, errors.WrongObjectType, errors.ObjectNotInPrerequisiteState)
    statements = [
        f"{statement} {table} {rest}"
        for table in (
            *(table.name for table in metadata.sorted_tables),
            "trial_overview",
            "incumbent",
            "pareto_front",
            "gpu_ledger",
        )
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
    with closing(psycopg2.connect(trainer.address)) as connection, connection.cursor() as cursor:
        for statement in statements:
            try:
                cursor.execute(statement)
            except refusals:  # views are refused for what they are
                refused.append(statement)
            connection.rollback()
    assert refused == statements


FORBIDDEN = [
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
]


def test_nothing_else_may_be_done(trainer: TrainerScene, subtests: pytest.Subtests) -> None:
    trainer.attempt()
    for statement in FORBIDDEN:
        with subtests.test(statement), pytest.raises(errors.InsufficientPrivilege):
            trainer.ask(statement)


def test_nobody_else_may_call_the_functions(trainer: TrainerScene, postgres: PostgresDatabases) -> None:
    stranger = "nago_test_stranger"
    postgres.execute(f"DROP ROLE IF EXISTS {stranger}", f"CREATE ROLE {stranger} LOGIN PASSWORD 'secret'")
    trainer.address = trainer.address.replace("nago_test_trainer", stranger)
    new = trainer.former_attempt()
    assert trainer.address_of(new) == trainer.address
    for call in (trainer.read, trainer.add):
        with pytest.raises(DatabaseRefusedError, match="permission denied for function"):
            call(new)
    postgres.execute(f"DROP ROLE {stranger}")


CALLS: list[tuple[str, list[str]]] = [
    ("nago_read_task", []),
    ("nago_add_epoch", [json.dumps(EPOCH.to_json())]),
    ("nago_add_result", [json.dumps(RESULT.to_json())]),
]
WRONG_TOKENS = [
    (None, "wrong"),
    (None, ""),
    (None, "NULL"),
    ("digits-demo-t00000-a2", None),
    ("NULL", None),
    ("NULL", "NULL"),
    ("%", "%"),
    ("digits-demo-t00000-a1' OR true --", "' OR true --"),
]
"""Name and token; None is the right one."""


@pytest.mark.parametrize(("function", "content"), CALLS)
def test_an_attempt_of_the_version_before_needs_its_name_and_its_token(
    trainer: TrainerScene, subtests: pytest.Subtests, function: str, content: list[str]
) -> None:
    new = trainer.former_attempt()
    own = trainer.token_of(new)
    places = ", ".join(["%s", "%s", *("%s::jsonb" for _ in content)])
    for name, token in WRONG_TOKENS:
        given = [None if value == "NULL" else value for value in (name or new.name, own if token is None else token)]
        with (
            subtests.test(f"{name}, {token}"),
            pytest.raises(errors.InsufficientPrivilege, match="no attempt of this name and token"),
        ):
            trainer.ask(f"SELECT {function}({places})", *given, *content)
        assert trainer.trial.result is None


def test_another_s_search_path_changes_nothing(
    trainer: TrainerScene, postgres: PostgresDatabases, postgres_engine: Engine
) -> None:
    """Tables, operators and functions of the caller's own stand first in its path; none of them is used."""
    new = trainer.former_attempt()
    admin = postgres_engine.url.render_as_string(hide_password=False)
    postgres.execute("CREATE SCHEMA evil", "GRANT ALL ON SCHEMA evil TO PUBLIC", address=admin)
    try:
        with closing(psycopg2.connect(trainer.address)) as connection, connection.cursor() as cursor:
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
            token = trainer.token_of(new)
            with pytest.raises(errors.InsufficientPrivilege, match="no attempt of this name"):
                cursor.execute("SELECT nago_read_task('x', 'x')")
            cursor.execute("SELECT nago_add_result(%s, %s, %s)", (new.name, token, json.dumps(RESULT.to_json())))
    finally:
        postgres.execute("DROP SCHEMA evil CASCADE", address=admin)
    assert trainer.trial.result == RESULT


def test_a_token_is_of_no_use_to_another_login(trainer: TrainerScene) -> None:
    new = trainer.attempt()
    content = json.dumps(RESULT.to_json())
    with pytest.raises(errors.InsufficientPrivilege, match="no attempt of this name and token"):
        trainer.ask("SELECT nago_add_result(%s, %s, %s::jsonb)", new.name, trainer.token_of(new), content)
    with pytest.raises(errors.InsufficientPrivilege, match="no attempt of this login"):
        trainer.ask("SELECT nago_add_result(%s::jsonb)", content)
    assert trainer.trial.result is None


def test_nothing_in_the_database_opens_anything(trainer: TrainerScene, postgres_engine: Engine) -> None:
    new = trainer.attempt()
    login = trainer.given[new.name].login
    assert login is not None
    with postgres_engine.connect() as connection:
        rows = [str(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
        rows += [str(row) for row in connection.exec_driver_sql("SELECT * FROM pg_authid")]
    text = "\n".join(rows)
    assert login.role in text
    assert trainer.token_of(new) not in text
    assert login.password not in text


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
