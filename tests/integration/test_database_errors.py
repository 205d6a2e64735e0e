"""Whatever is wrong with a database, the user gets one sentence, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, make_url, text

from nago_orchestrator.errors import DatabaseError
from nago_orchestrator.store.engine import TRUSTED_SECONDS, connect, writing
from nago_orchestrator.store.store import Store, open_store
from tests.conftest import PostgresDatabases
from tests.store_scene import NEW_STUDY, NOW, Scene


def _with(address: str, **changes: object) -> str:
    return make_url(address).set(**changes).render_as_string(hide_password=False)  # type: ignore[arg-type]  # URL.set's own names


def _sentence(error: pytest.ExceptionInfo[DatabaseError]) -> str:
    told = str(error.value)
    assert told[0].islower() or told.startswith("PostgreSQL")
    assert told.endswith("...") or not told.endswith(".")
    assert "\n" not in told
    assert "secret" not in told
    assert "sqlalche.me" not in told
    return told


@contextmanager
def _without_rights() -> Iterator[None]:
    """Root may write everything; nobody may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# Both


def test_a_writer_that_waits_too_long(database_url: str) -> None:
    slow, hurried = connect(database_url), connect(database_url, busy_timeout_seconds=0.1)
    try:
        with writing(slow) as connection:
            if slow.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE study IN EXCLUSIVE MODE"))
            with pytest.raises(DatabaseError, match="is locked by another") as error:
                Store(hurried).create_study(NEW_STUDY, NOW)
            _sentence(error)
        assert Store(hurried).create_study(NEW_STUDY, NOW).name == NEW_STUDY.name
    finally:
        slow.dispose()
        hurried.dispose()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (":memory:", "in memory is lost"),
        ("sqlite://", "in memory is lost"),
        ("sqlite:///:memory:", "in memory is lost"),
        ("mysql://me:secret@db/nago", "databases of type 'mysql' are not supported"),
        ("postgresql://me:secret@db:port/nago", "invalid address of the database"),
        ("://", "invalid address of the database"),
    ],
)
def test_an_address_of_the_wrong_form(address: str, told: str) -> None:
    with pytest.raises(DatabaseError, match=told) as error:
        open_store(address)
    _sentence(error)


# SQLite


def test_a_new_file_is_created_with_its_folders_and_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b c%20" / "nago.sqlite"
    assert open_store(str(path)).studies() == ()
    assert open_store(f"sqlite:///{path}").studies() == ()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_text_file_is_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("name: digits\n" * 100)
    with pytest.raises(DatabaseError, match="is not an SQLite file") as error:
        open_store(str(path))
    assert str(path) in _sentence(error)
    assert path.read_text() == "name: digits\n" * 100


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    with pytest.raises(DatabaseError, match=r"no tables of NAGO .*: run `nago-orch db upgrade`"):
        open_store(str(path))


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="is a folder"):
        open_store(str(tmp_path))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match="cannot create the folder of the database") as error:
        open_store(str(tmp_path / "file" / "nago.sqlite"))
    _sentence(error)


@pytest.fixture
def sqlite_file(sqlite_template: Path) -> Iterator[Path]:
    """A database outside pytest's private folders, so that another user reaches it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(shutil.copy(sqlite_template, folder))
        Path(folder).chmod(0o755)
        yield path
        Path(folder).chmod(0o755)


def test_a_read_only_file_can_be_read_and_says_why_it_cannot_be_written(sqlite_file: Path) -> None:
    Store(connect(str(sqlite_file))).create_study(NEW_STUDY, NOW)
    sqlite_file.chmod(0o444)
    sqlite_file.parent.chmod(0o777)
    with _without_rights():
        store = open_store(str(sqlite_file))
        assert [study.name for study in store.studies()] == [NEW_STUDY.name]
        with pytest.raises(DatabaseError, match="is read-only for this user") as error:
            store.cancel_trials(1, NOW)
        _sentence(error)


def test_a_file_that_may_not_be_opened(sqlite_file: Path) -> None:
    sqlite_file.chmod(0o000)
    with _without_rights(), pytest.raises(DatabaseError, match="cannot be opened") as error:
        open_store(str(sqlite_file))
    _sentence(error)


def test_a_full_disk_under_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    engine = connect(str(shutil.copy(sqlite_template, tmp_path)))
    event.listen(engine, "connect", lambda opened, _: opened.execute("PRAGMA max_page_count = 1").fetchall())
    store = Store(engine)
    with pytest.raises(DatabaseError, match="has no space left") as error:
        store.create_study(replace(NEW_STUDY, spec={"long": "x" * 100_000}), NOW)
    _sentence(error)
    assert store.studies() == ()
    store.close()


# PostgreSQL


def test_postgresql_without_a_schema_names_the_command(postgres: PostgresDatabases) -> None:
    with pytest.raises(DatabaseError, match=r"no tables of NAGO .*: run `nago-orch db upgrade`") as error:
        open_store(postgres.create())
    _sentence(error)


def test_a_server_that_does_not_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(
        DatabaseError, match=rf"cannot reach the database: .*postgresql://me@127\.0\.0\.1:{port}/nago"
    ) as error:
        open_store(f"postgresql://me:secret@127.0.0.1:{port}/nago?application_name=secret")
    _sentence(error)


def test_a_host_that_does_not_exist() -> None:
    with pytest.raises(DatabaseError, match="cannot reach the database") as error:
        open_store("postgresql://me:secret@nowhere.invalid/nago")
    _sentence(error)


def test_a_user_that_the_server_does_not_know(postgres: PostgresDatabases) -> None:
    with pytest.raises(DatabaseError, match="refused the user name or the password") as error:
        open_store(_with(postgres.server, username="nobody_here", password="secret"))
    _sentence(error)


def test_a_database_that_does_not_exist(postgres: PostgresDatabases) -> None:
    with pytest.raises(DatabaseError, match="does not exist on that server") as error:
        open_store(_with(postgres.server, database="not_there"))
    _sentence(error)


def test_a_read_only_server(postgres: PostgresDatabases) -> None:
    address = postgres.create_current()
    name = make_url(address).database
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    store = open_store(address)
    assert store.studies() == ()
    with pytest.raises(DatabaseError, match="is read-only") as error:
        store.create_study(NEW_STUDY, NOW)
    _sentence(error)
    store.close()


def test_a_full_disk_under_postgresql(postgres: PostgresDatabases) -> None:
    address = postgres.create_current()
    postgres.execute(
        "CREATE FUNCTION run_out() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END$$",
        "CREATE TRIGGER run_out BEFORE INSERT ON study EXECUTE FUNCTION run_out()",
        address=address,
    )
    store = open_store(address)
    with pytest.raises(DatabaseError, match="has no space left") as error:
        store.create_study(NEW_STUDY, NOW)
    _sentence(error)
    assert store.studies() == ()
    store.close()


def test_a_user_without_the_right_to_write(postgres: PostgresDatabases) -> None:
    address = postgres.create_current()
    reader = f"reader_{os.getpid()}"
    postgres.execute(f"CREATE ROLE {reader} LOGIN", f"GRANT pg_read_all_data TO {reader}")
    store = open_store(_with(address, username=reader))
    assert store.studies() == ()
    with pytest.raises(DatabaseError, match="for lack of a privilege") as error:
        store.create_study(NEW_STUDY, NOW)
    _sentence(error)
    store.close()


def test_a_server_that_was_restarted_is_used_again(scene: Scene, postgres: PostgresDatabases, engine: Engine) -> None:
    if engine.dialect.name == "postgresql":
        postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{engine.url.database}' AND pid <> pg_backend_pid()"
        )
        time.sleep(2 * TRUSTED_SECONDS)  # no server restarts as fast as that
    scene.propose()
    assert len(scene.store.active_trials(scene.study.id)) == 1


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER ROLE {role} CONNECTION LIMIT 0", "has too many connections"),
        ("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC", "refused the statement for lack of a privilege"),
        ("ALTER DATABASE {database} ALLOW_CONNECTIONS false", "accepts no connections"),
        ("ALTER ROLE {role} NOLOGIN", "refused the user name or the password"),
        ("ALTER DATABASE {database} CONNECTION LIMIT 0", "has too many connections"),
    ],
)
def test_each_refusal_of_a_connection_is_told_as_what_it_is(
    postgres: PostgresDatabases, statement: str, told: str
) -> None:
    address = postgres.create()
    names = {"role": "refused", "database": make_url(address).database or ""}
    postgres.execute("DROP ROLE IF EXISTS refused", "CREATE ROLE refused LOGIN", statement.format(**names))
    with pytest.raises(DatabaseError, match=told) as error:
        open_store(_with(address, username="refused"))
    _sentence(error)
