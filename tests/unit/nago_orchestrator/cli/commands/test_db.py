from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.command_line import Run


def test_upgrade_makes_the_tables_and_check_agrees(run: Run) -> None:
    new = ("--database", "folder/new.sqlite")
    assert run("db", "check", *new).code == 2
    assert run("db", "upgrade", *new).code == 0
    assert run("db", "check", *new).code == 0
    assert run("list", "-o", "json", *new).out == "[]\n"


@pytest.mark.parametrize("address", ["{}", "sqlite:///{}"])
@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["status", "--watch"],
        ["trials", "x"],
        ["show", "x/1"],
        ["best"],
        ["pareto", "x"],
        ["logs", "x/1", "--follow"],
        ["report", "x"],
        ["replay"],
        ["replay", "x", "--verify"],
        ["sample", "--study", "x"],
        ["space", "x"],
        ["train-best", "x"],
        ["resume", "x"],
        ["pause", "x"],
        ["cancel", "x", "--yes"],
        ["db", "check"],
    ],
    ids=" ".join,
)
def test_a_mistyped_path_is_wrong_input_and_stays_absent(
    run: Run, tmp_path: Path, command: list[str], address: str
) -> None:
    path = tmp_path / "folder" / "studys.db"
    ended = run(*command, "--database", address.format(path))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error: there is no database file {path}: ")
    assert "nago-orch submit" in ended.err
    assert ended.err.count("\n") == 1
    assert not path.parent.exists()


def test_a_path_that_may_not_be_looked_at_is_not_called_absent(run: Run) -> None:
    ended = run("list", "--database", "x" * 300 + ".sqlite")
    assert ended.code != 0
    assert "no database file" not in ended.err


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
