from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from nago_orchestrator.store.store import open_store
from tests.command_line import Run
from tests.studies import create, small_spec

LISTINGS = ["list", "trials", "pareto", "best", "status", "replay"]


@pytest.mark.parametrize("command", LISTINGS)
def test_json_is_what_the_table_is_made_of(run: Run, filled: str, command: str) -> None:
    table = run(command, "--database", filled)
    as_json = run(command, "--database", filled, "-o", "json")
    assert (table.code, as_json.code) == (0, 0)
    assert "synthetic" in as_json.out or command == "replay"
    assert json.loads(as_json.out)
    assert table.out


@pytest.mark.parametrize("command", LISTINGS)
def test_csv_has_a_header_and_a_line_for_each_row(run: Run, filled: str, command: str) -> None:
    rows = list(csv.DictReader(StringIO(run(command, "--database", filled, "-o", "csv").out)))
    found = json.loads(run(command, "--database", filled, "-o", "json").out)
    found = found["points"] if command == "pareto" else found
    assert len(rows) == (len(found) if isinstance(found, list) else 1)


def test_a_study_that_runs_without_anybody_says_how_it_goes_on(run: Run, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "empty.sqlite"))
    study = create(store, small_spec())
    assert "no process runs it; continue with: nago-orch resume small" in run("list").out
    assert "no process; continue with: nago-orch resume small" in run("status").out
    with store.hold(study.id, "pid 4711 on saturn"):
        assert "no process runs it" not in run("list").out
        assert json.loads(run("list", "-o", "json").out)[0]["holder"] == "pid 4711 on saturn"
    store.close()


def test_the_newest_trials_come_by_number(run: Run, filled: str) -> None:
    rows = json.loads(run("trials", "synthetic", "--limit", "3", "--database", filled, "-o", "json").out)
    assert [row["trial"] for row in rows] == [36, 37, 38]
    assert isinstance(rows[0]["validation_accuracy"], float)
    assert isinstance(rows[0]["parameters"], int)


def test_the_best_is_at_the_highest_fidelity(run: Run, filled: str) -> None:
    best = json.loads(run("best", "--database", filled, "-o", "json").out)
    trials = json.loads(run("trials", "--database", filled, "-o", "json").out)
    highest = [row["validation_accuracy"] for row in trials if row["fidelity"] == 27]
    assert best["fidelity"] == 27
    assert best["objective_values"]["accuracy"] == max(highest)


def test_a_trial_is_shown_with_its_attempts_and_epochs(run: Run, filled: str) -> None:
    shown = run("show", "synthetic/24", "--database", filled)
    assert "Evicted" in shown.out
    assert "training loss" in shown.out
    row = json.loads(run("show", "24", "--database", filled, "-o", "json").out)
    assert [attempt["state"] for attempt in row["attempt_rows"]] == ["failed", "succeeded"]
    assert row["architecture"]["cells"]


def test_nothing_shown_has_the_token_of_an_attempt(run: Run, filled: str) -> None:
    """Whoever has it can report for the attempt."""
    for form in ("json", "csv"):
        for arguments in (["show", "24"], ["trials"], ["status"]):
            out = run(*arguments, "--database", filled, "-o", form).out
            assert out
            assert "token" not in out
            assert "login" not in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["show", "synthetic/999"], 4, "no trial 999"),
        (["show", "other/1"], 4, "no study 'other'"),
        (["show", "synthetic/x"], 2, "write STUDY/NUMBER"),
        (["show", "/3"], 2, "write STUDY/NUMBER"),
        (["trials", "other"], 4, "no study 'other'"),
        (["logs", "24", "--attempt", "1"], 4, "has no log: it is gone, or nothing was printed"),
        (["logs", "1", "--attempt", "7"], 4, "has no attempt 7, only 1 attempt"),
    ],
)
def test_what_is_not_there_is_said(run: Run, filled: str, arguments: list[str], code: int, words: str) -> None:
    ended = run(*arguments, "--database", filled)
    assert ended.code == code
    assert words in ended.err
    assert ended.err.startswith("error: ")


@pytest.mark.parametrize(("output", "printed"), [("json", "[]\n"), ("table", "")])
def test_a_state_without_trials_is_an_empty_listing(run: Run, filled: str, output: str, printed: str) -> None:
    ended = run("trials", "--state", "failed", "-o", output, "--database", filled)
    assert (ended.code, ended.out) == (0, printed)
    assert ended.err == "the study synthetic has no failed trial yet\n"


def test_an_empty_database_has_no_study_to_choose(run: Run) -> None:
    assert run("list").code == 0
    ended = run("status")
    assert ended.code == 4
    assert "nago-orch submit" in ended.err
