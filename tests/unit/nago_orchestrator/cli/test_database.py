from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.command_line import Run


def test_upgrade_makes_the_tables_and_check_agrees(run: Run) -> None:
    assert run("db", "check").code == 2
    assert run("db", "upgrade").code == 0
    assert run("db", "check").code == 0
    assert run("list", "-o", "json").out == "[]\n"


@pytest.mark.parametrize("command", [["db", "check"], ["list"], ["best", "x"]])
def test_an_unreachable_database_is_wrong_input(run: Run, command: list[str]) -> None:
    ended = run(*command, "--database", "postgresql://nobody@127.0.0.1:1/nothing")
    assert ended.code == 2
    assert ended.err.count("\n") == 1


def test_a_file_that_is_no_database_is_refused_and_kept(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("these are my notes, not a database\n" * 50)
    ended = run("list", "--database", str(file))
    assert ended.code == 2
    assert "not an SQLite database" in ended.err
    assert file.read_text().startswith("these are my notes")


def test_somebody_elses_tables_are_left_alone(run: Run, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        other.execute("CREATE TABLE customer (id INTEGER)")
    other.close()
    ended = run("list", "--database", str(tmp_path / "other.sqlite"))
    assert ended.code == 2
    assert "nago-orch db upgrade" in ended.err
