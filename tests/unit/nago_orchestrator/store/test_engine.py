"""Addresses: what is understood, what is shown; SQLite files that several processes open at once."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from nago_orchestrator.errors import DatabaseError
from nago_orchestrator.store.engine import connect, describe, parse, sqlite_path, use_write_ahead_log
from tests.waiting import PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://db/nago", "postgresql://db/nago"),
        ("postgres://me:secret@db:5433/nago", "postgresql://me@db:5433/nago"),
        ("postgresql+psycopg2://me:secr%40et@db/nago?sslmode=require", "postgresql://me@db/nago"),
        ("postgresql://me@/nago?host=/run/pg&password=secret", "postgresql://me@/nago?host=%2Frun%2Fpg"),
    ],
)
def test_a_servers_address_is_shown_without_secrets(address: str, shown: str) -> None:
    url = parse(address)
    assert url.drivername == "postgresql+psycopg2"
    assert describe(url) == shown
    assert sqlite_path(url) is None


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/data/nago.sqlite", Path("/data/nago.sqlite")),
        ("sqlite:////data/nago.sqlite", Path("/data/nago.sqlite")),
        ("sqlite:///nago.sqlite", Path.cwd() / "nago.sqlite"),
        ("nago.sqlite", Path.cwd() / "nago.sqlite"),
        ("~/a b%20?.sqlite", Path.home() / "a b%20?.sqlite"),
    ],
)
def test_a_path_is_an_sqlite_file(address: str, path: Path) -> None:
    url = parse(address)
    assert sqlite_path(url) == path
    assert describe(url) == str(path)


@pytest.mark.parametrize(
    "address",
    [
        "",
        ":memory:",
        "sqlite://",
        "file:x?mode=memory",
        "mysql://db/nago",
        "://",
        "~no-such-user/x",
        "sqlite:///a?timeout=3",
    ],
)
def test_everything_else_is_refused_in_one_sentence(address: str) -> None:
    with pytest.raises(DatabaseError, match=r"^[a-z].*([^.]|\.\.\.)$"):
        parse(address)


def test_the_write_ahead_log_waits_for_whoever_writes_already(tmp_path: Path) -> None:
    path = tmp_path / "nago.sqlite"
    engine = connect(str(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as writer, ThreadPoolExecutor(1) as pool:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):  # without patience SQLite refuses at once
            use_write_ahead_log(engine, busy_timeout_seconds=0.0)
        waiting = pool.submit(use_write_ahead_log, engine, busy_timeout_seconds=PATIENCE_SECONDS)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.1)
        writer.execute("CREATE TABLE written (x)")
        writer.execute("COMMIT")
        waiting.result(timeout=PATIENCE_SECONDS)
    engine.dispose()
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
