from __future__ import annotations

import json
from pathlib import Path

from nago_orchestrator.cli.doctor import machine, results_database
from tests.command_line import Run


def test_a_sound_installation_has_no_problem(run: Run) -> None:
    ended = run("doctor", "-o", "json")
    assert ended.code == 0
    found = {row["check"]: row["state"] for row in json.loads(ended.out)}
    assert {found["torch"], found["python"], found["database"], found["data folder"]} <= {"ok", "warning"}


def test_an_unreachable_database_is_a_problem(run: Run) -> None:
    ended = run("doctor", "--database", "postgresql://nobody@127.0.0.1:1/nothing")
    assert ended.code == 3
    assert "problem  database" in ended.out


def test_a_database_that_does_not_exist_yet_is_none(tmp_path: Path) -> None:
    assert results_database(str(tmp_path / "new.sqlite"))["state"] == "ok"
    assert list(tmp_path.iterdir()) == []


def test_the_data_folder_is_looked_at_but_not_made(tmp_path: Path) -> None:
    findings = {finding["check"]: finding for finding in machine(tmp_path / "a" / "b")}
    assert findings["data folder"]["state"] in ("ok", "warning")
    assert list(tmp_path.iterdir()) == []
