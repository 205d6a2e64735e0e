from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.command_line import Run

ONE_STUDY = """
    INSERT INTO study (name, spec_hash, seed, state, created_at, changed_at, objectives, recipe, spec)
    VALUES ('small', 'x', 1, 'paused', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', '[]', '{}', '{}')
"""


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
    assert ended.err.startswith(f"error: there is no such database file ({path}): ")
    assert "nago-orch submit" in ended.err
    assert ended.err.count("\n") == 1
    assert not path.parent.exists()


def test_a_path_that_may_not_be_looked_at_is_not_called_absent(run: Run) -> None:
    ended = run("list", "--database", "x" * 300 + ".sqlite")
    assert ended.code != 0
    assert "no such database file" not in ended.err


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
    assert "the database is not an SQLite file" in ended.err
    assert file.read_text().startswith("these are my notes")


def test_somebody_elses_tables_are_left_alone(run: Run, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        other.execute("CREATE TABLE customer (id INTEGER)")
    other.close()
    ended = run("list", "--database", str(tmp_path / "other.sqlite"))
    assert ended.code == 2
    assert "nago-orch db upgrade" in ended.err


def test_a_backup_has_what_still_stands_in_the_log_and_can_be_restored(run: Run, tmp_path: Path) -> None:
    live, copy, again = (tmp_path / name for name in ("live.sqlite", "copy.sqlite", "again.sqlite"))
    assert run("db", "upgrade", "--database", str(live)).code == 0
    writer = sqlite3.connect(live)
    writer.execute(ONE_STUDY)
    writer.commit()  # into the log: the connection stays open
    assert run("db", "backup", str(copy), "--database", str(live)).code == 0
    writer.close()
    assert run("db", "restore", str(copy), "--database", str(again)).code == 0
    assert [row["name"] for row in json.loads(run("list", "-o", "json", "--database", str(again)).out)] == ["small"]


def test_a_backup_replaces_nothing(run: Run, tmp_path: Path) -> None:
    live, notes = tmp_path / "live.sqlite", tmp_path / "notes.txt"
    assert run("db", "upgrade", "--database", str(live)).code == 0
    notes.write_text("mine")
    before = live.read_bytes()
    for command in (["backup", str(notes)], ["backup", str(live)], ["restore", str(live)]):
        ended = run("db", *command, "--database", str(live))
        assert ended.code == 2
        assert "exists already" in ended.err
    assert (notes.read_text(), live.read_bytes()) == ("mine", before)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("content", [None, "these are my notes\n" * 100])
def test_only_a_backup_can_be_restored(run: Run, tmp_path: Path, content: str | None) -> None:
    file, new = tmp_path / "file", tmp_path / "new.sqlite"
    if content is not None:
        file.write_text(content)
    ended = run("db", "restore", str(file), "--database", str(new))
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert not new.exists()


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_postgresql_has_tools_of_its_own(run: Run, tmp_path: Path, command: str) -> None:
    ended = run("db", command, str(tmp_path / "x"), "--database", "postgresql://ada@results/nago")
    assert ended.code == 2
    assert "pg_" in ended.err


def test_a_backup_into_a_folder_that_is_not_there_says_so(run: Run, tmp_path: Path) -> None:
    live = str(tmp_path / "live.sqlite")
    assert run("db", "upgrade", "--database", live).code == 0
    ended = run("db", "backup", str(tmp_path / "none" / "x.sqlite"), "--database", live)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
