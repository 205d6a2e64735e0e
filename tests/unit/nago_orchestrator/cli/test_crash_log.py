"""The log of unexpected errors: readable to its owner alone, and without passwords."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from nago_orchestrator.cli.crash_log import keep_traceback, without_passwords


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    # The folder's owner is the user of the test, whose own log stays as it is.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "nago" / "log" / "crash.log"


def test_neither_the_command_nor_the_traceback_has_a_password(log: Path) -> None:
    address = "postgresql://nago:s3cret@database/nago"
    said = keep_traceback(ValueError(f"cannot parse {address}"), f"nago-orch status --database {address}")
    assert said == f"the traceback is in {log}"
    text = log.read_text()
    assert "s3cret" not in text
    assert text.count("postgresql://nago:***@database/nago") == 2
    assert "ValueError" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://nago:p@ss/w:rd@host/db", "postgresql://nago:***@host/db"),
        ("postgresql://:secret@host/db", "postgresql://:***@host/db"),
        ("host=db password=secret user=nago", "host=db password=*** user=nago"),
        ("host=db password='two words' user=nago", "host=db password=*** user=nago"),
        ("postgresql://host/db?password=secret&user=nago", "postgresql://host/db?password=***&user=nago"),
        ("postgresql://nago@host/db", "postgresql://nago@host/db"),
        ("nago-orch status digits --database /a/b.sqlite", "nago-orch status digits --database /a/b.sqlite"),
    ],
)
def test_every_form_of_an_address_loses_its_password_and_nothing_else(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


def test_nobody_else_may_read_it_also_where_it_was_there_before(log: Path) -> None:
    log.parent.mkdir(parents=True)
    log.touch(mode=0o644)
    keep_traceback(ValueError("x"), "nago-orch")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
