"""What a hostile trainer does with its login affects its own attempt alone."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import psycopg2
import pytest
from psycopg2 import errors
from sqlalchemy import Engine, text

from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.store import logins, versions
from nago_trainer.attempt.postgres import DatabaseDownError, DatabaseRefusedError
from tests.conftest import PostgresDatabases
from tests.hostile.conftest import Two
from tests.store_scene import ENDED, EPOCH, NOW
from tests.trainer_scene import SMALL_RESULT
from tests.waiting import until

UPGRADE_LOCK = 0x4E41474F
"""That of `db upgrade` on an empty database."""
FORGED = replace(SMALL_RESULT, validation_accuracy=0.9999)


def accept(two: Two) -> None:
    """B's result reaches the proposer's side as if A had not been there."""
    assert two.honest.report()
    with two.store.together():
        assert two.store.claim([two.honest.trial.id]) == {two.honest.trial.id}
        two.store.accept_result(two.honest.attempt.id, SMALL_RESULT, observation=ENDED, now=NOW)
    counts = two.store.trial_counts(two.scene.study.id)
    assert (counts[TrialState.SUCCEEDED], counts[TrialState.RUNNING]) == (1, 1)
    assert two.trials()[0].result is None


def roles(two: Two, engine: Engine) -> set[str]:
    """Of the attempts of this database."""
    query = text("SELECT rolname FROM pg_roles WHERE starts_with(rolname::text, :prefix)")
    with engine.connect() as connection:
        return set(connection.scalars(query, {"prefix": two.store.logins.prefix}))


def test_the_statements_of_others_are_not_seen(two: Two) -> None:
    seen: list[str] = []
    done = threading.Event()

    def spy() -> None:
        with two.hostile.session() as session, session.cursor() as cursor:
            while not done.is_set():
                cursor.execute("SELECT coalesce(query, '') FROM pg_stat_activity WHERE usename <> current_user")
                seen.extend(row[0] for row in cursor.fetchall())

    thread = threading.Thread(target=spy)
    thread.start()
    for _ in range(20):
        assert two.honest.report()
    done.set()
    thread.join()
    secrets = (two.honest.given.token, two.honest.given.login.password if two.honest.given.login else "?")
    assert not [query for query in seen if "nago_add" in query or any(secret in query for secret in secrets)]


def test_no_result_can_be_forged(two: Two) -> None:
    content = json.dumps(FORGED.to_json())
    token = two.honest.given.token  # even if it were known
    with pytest.raises(errors.InsufficientPrivilege, match="no attempt of this name and token"):
        two.hostile.ask("SELECT nago_add_result(%s, %s, %s::jsonb)", two.honest.attempt.name, token, content)
    for statement in (
        f"SET SESSION AUTHORIZATION {two.honest.role}",
        f"SET ROLE {two.honest.role}",
        "UPDATE attempt SET login = session_user",
        "INSERT INTO result (trial_id, attempt_id) VALUES (2, 2)",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            two.hostile.ask(statement)
    accept(two)


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE {other} PASSWORD 'mine'",
        "ALTER ROLE {other} SET statement_timeout = 1",
        "ALTER ROLE {other} NOLOGIN",
        "ALTER ROLE {own} CONNECTION LIMIT -1",
        "ALTER ROLE {own} VALID UNTIL 'infinity'",
        "ALTER ROLE {own} CREATEROLE",
        "ALTER ROLE nago_trainer SET search_path = 'evil'",
        "ALTER ROLE ALL SET statement_timeout = 1",
        "GRANT nago_trainer TO {other}",
        "GRANT {owner} TO {own}",
        "DROP ROLE {other}",
        "CREATE SCHEMA evil",
        "CREATE TABLE public.evil (a integer)",
        "CREATE FUNCTION public.evil() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = varchar, FUNCTION = texteq)",
        "CREATE CAST (integer AS text) WITH INOUT AS IMPLICIT",
        "CREATE EVENT TRIGGER evil ON ddl_command_start EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE EXTENSION dblink",
        "CREATE PUBLICATION evil FOR ALL TABLES",
        "CREATE SUBSCRIPTION evil CONNECTION '' PUBLICATION x",
        "BEGIN; LOCK TABLE attempt IN ACCESS SHARE MODE",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_reload_conf()",
        "SELECT pg_stat_reset()",
        "ALTER SYSTEM SET max_connections = 1",
        "ALTER DATABASE {database} SET default_transaction_read_only = on",
    ],
)
def test_what_would_reach_others_is_refused(two: Two, engine: Engine, statement: str) -> None:
    names = {"own": two.hostile.role, "other": two.honest.role, "database": engine.url.database}
    with pytest.raises((errors.InsufficientPrivilege, errors.SyntaxError, errors.InvalidGrantOperation)):
        two.hostile.ask(statement.format(owner=engine.url.username, **names))
    accept(two)


def test_the_sessions_of_others_cannot_be_ended(two: Two, engine: Engine) -> None:
    with two.honest.session() as session, session.cursor() as cursor, engine.connect() as own:
        cursor.execute("SELECT 1")
        own.execute(text("SELECT 1"))
        pids = [session.get_backend_pid(), own.connection.driver_connection.get_backend_pid()]  # type: ignore[union-attr]  # psycopg2's
        for pid in pids:
            for function in ("pg_terminate_backend", "pg_cancel_backend"):
                with pytest.raises(errors.InsufficientPrivilege):
                    two.hostile.ask(f"SELECT {function}({pid})")
    accept(two)


def test_its_own_password_and_settings_are_its_own_trouble(two: Two, engine: Engine) -> None:
    with two.hostile.session() as session, session.cursor() as cursor:  # one: each is that of the next session
        for setting in ("statement_timeout = 1", "search_path = 'pg_temp'", "default_transaction_read_only = on"):
            cursor.execute(f"ALTER ROLE CURRENT_USER SET {setting}")
    with pytest.raises((DatabaseDownError, DatabaseRefusedError)):
        two.hostile.report()
    accept(two)


def test_the_server_takes_its_verifier_and_refuses_another_password(two: Two) -> None:
    login = two.honest.given.login
    assert login is not None
    assert login.verifier.startswith("SCRAM-SHA-256$1:")
    assert two.honest.ask("SELECT current_user") == [(login.role,)]
    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        psycopg2.connect(two.honest.address.replace(login.password, two.hostile.role))


def test_no_more_than_two_connections(two: Two) -> None:
    with ExitStack() as sessions:
        for _ in range(logins.CONNECTION_LIMIT):
            sessions.enter_context(two.hostile.session())
        with pytest.raises(psycopg2.OperationalError, match="too many connections for role"):
            two.hostile.session()
        accept(two)


@contextmanager
def open_transaction(two: Two) -> Iterator[psycopg2.extensions.connection]:
    """A holds the row of its trial and an unfinished result."""
    with two.hostile.session() as session, session.cursor() as cursor:
        session.autocommit = False
        cursor.execute("SELECT nago_add_epoch(%s::jsonb)", (json.dumps(EPOCH.to_json()),))
        cursor.execute("SELECT nago_add_result(%s::jsonb)", (json.dumps(FORGED.to_json()),))
        yield session


def test_an_open_transaction_holds_up_its_own_trial_alone(two: Two) -> None:
    began = time.monotonic()
    with open_transaction(two):
        with two.store.together():
            free = two.store.claim([two.hostile.trial.id, two.honest.trial.id])
        assert free == {two.honest.trial.id}
        accept(two)
        two.store.cancel_trials(two.scene.study.id, NOW)
        assert time.monotonic() - began < 10


def test_a_transaction_that_lasts_too_long_is_ended(two: Two) -> None:
    with open_transaction(two) as session:
        two.store.logins.tidy()
        assert session.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_INTRANS
        time.sleep(0.1)
        two.store.logins.tidy(longest=0.05)
        until(lambda: two.store.claim([two.hostile.trial.id]) == {two.hostile.trial.id})
        with pytest.raises(psycopg2.OperationalError), session.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert two.trials()[0].result is None


def test_its_login_ends_with_its_attempt_whatever_it_holds(two: Two, engine: Engine) -> None:
    with open_transaction(two), two.hostile.session() as other, other.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE mine (a integer)")
        cursor.execute("SELECT lo_create(0)")
        cursor.execute("ALTER ROLE CURRENT_USER SET work_mem = '1MB'")
        assert two.hostile.role in roles(two, engine)
        with engine.begin() as connection:  # as at the end of an attempt whose session is ended first
            logins.end_long_transactions(connection, two.store.logins.prefix)
        assert logins.remove(engine, two.hostile.role)
    assert roles(two, engine) == {two.honest.role}
    with pytest.raises(psycopg2.OperationalError):
        two.hostile.session()
    accept(two)


def test_a_login_that_the_server_lost_is_there_again_for_the_next_try(two: Two, engine: Engine) -> None:
    """As after a restore of the database alone: roles belong to the server."""
    assert logins.remove(engine, two.hostile.role)
    login = two.hostile.given.login
    assert login is not None
    two.store.renew_attempt(two.hostile.attempt.id, token=two.hostile.attempt.token, login=login)
    assert two.hostile.report()


def test_logins_of_attempts_that_are_over_are_removed_and_no_others(two: Two, engine: Engine) -> None:
    accept(two)
    assert two.store.logins.tidy() == 0
    assert roles(two, engine) == {two.hostile.role}
    assert two.hostile.report()


def test_what_it_leaves_in_another_database_keeps_nothing_up(
    two: Two, engine: Engine, postgres: PostgresDatabases, owned_database: str
) -> None:
    elsewhere = postgres.create()
    name = elsewhere.rpartition("/")[2].partition("?")[0]
    own = str(engine.url.database)
    with psycopg2.connect(two.hostile.address.replace(own, name)) as session, session.cursor() as cursor:
        cursor.execute("SELECT lo_create(0)")
    session.close()
    assert not logins.remove(engine, two.hostile.role)
    with pytest.raises(psycopg2.OperationalError, match=r"not permitted to log in|authentication failed"):
        two.hostile.session()
    accept(two)
    postgres.execute(f"DROP DATABASE {name}")


def test_locks_of_ours_that_it_takes_keep_nobody_out(two: Two) -> None:
    with two.hostile.session() as session, session.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(1, generate_series(1, 5))")
        cursor.execute("SELECT pg_advisory_lock(%s)", (UPGRADE_LOCK,))
        cursor.execute("LISTEN nago")
        accept(two)
        versions.downgrade(two.address, "0010")
        assert versions.upgrade(two.address).state is versions.SchemaState.CURRENT


def test_floods_of_notes_and_of_text_are_its_own_trouble(two: Two) -> None:
    with two.hostile.session() as session, session.cursor() as cursor:
        cursor.execute("LISTEN flood")
        for number in range(200):
            cursor.execute("SELECT pg_notify('flood', repeat('x', 7000) || %s)", (number,))
        with pytest.raises(psycopg2.Error):
            cursor.execute("SELECT nago_add_result(('{\"device\": \"' || repeat('x', 20000000) || '\"}')::jsonb)")
        with pytest.raises(psycopg2.Error):
            cursor.execute("SELECT nago_add_result(%s::jsonb)", ("[" * 100_000,))
        accept(two)
