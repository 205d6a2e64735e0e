"""Addresses: what is understood, what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from nago_orchestrator.errors import DatabaseError
from nago_orchestrator.store.engine import describe, parse, sqlite_path


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
    "address", ["", ":memory:", "sqlite://", "file:x?mode=memory", "mysql://db/nago", "://", "~no-such-user/x"]
)
def test_everything_else_is_refused_in_one_sentence(address: str) -> None:
    with pytest.raises(DatabaseError, match=r"^[A-Z].*\.$"):
        parse(address)
