from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

from tests.command_line import Run


def test_invented_proposals_are_not_what_the_search_would_have_made(run: Run, filled: str) -> None:
    ended = run("replay", "--verify", "--database", filled, "-o", "json")
    assert ended.code == 3
    assert json.loads(ended.out)[0]["proposal"] == 0
    assert ended.err.splitlines()[-1].startswith("error: ")


def test_without_verify_the_evaluations_come_in_told_order(run: Run, filled: str) -> None:
    rows = json.loads(run("replay", "--database", filled, "-o", "json").out)
    assert [row["evaluation"] for row in rows] == list(range(39))


def test_a_study_without_proposals_is_the_same(run: Run, filled: str, tmp_path: Path) -> None:
    url = tmp_path / "empty-study.sqlite"
    shutil.copy(Path(filled), url)
    with sqlite3.connect(url) as connection:
        for table in ("evaluation", "result", "epoch", "attempt", "trial", "proposal"):
            connection.execute(f"DELETE FROM {table}")
    connection.close()
    ended = run("replay", "--verify", "--database", str(url))
    assert ended.code == 0
    assert ended.err.startswith("the same: ")
    assert run("best", "-o", "json", "--database", str(url)).out == "null\n"
