from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from nago_orchestrator.cli.commands.replay import progress
from nago_orchestrator.store.store import open_store
from tests.command_line import Run
from tests.simulated_executor import SimulatedExecutor
from tests.studies import Orchestrator, create, small_spec


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with a study that a search has really made."""
    url = str(tmp_path_factory.mktemp("searched") / "nago.sqlite")
    store = open_store(url)
    Orchestrator(store, create(store, small_spec(limits="{trials: 5}")), SimulatedExecutor()).run()
    store.close()
    return url


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
    assert ended.err.startswith("verified: ")
    assert run("best", "-o", "json", "--database", str(url)).out == "null\n"


def test_a_search_is_the_same_down_to_every_architecture(run: Run, searched: str) -> None:
    ended = run("replay", "--verify", "--database", searched)
    assert ended.code == 0
    assert ended.err.startswith("verified: ")
    assert "every architecture" in ended.err


@pytest.mark.parametrize(("made", "made_nl"), [(5, "\n"), (2, "")], ids=["to the end", "broken off"])
def test_progress_on_a_terminal_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, made: int, made_nl: str
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # the output is captured
    show = progress("proposal", "compared")
    for done in range(made + 1):
        show(done, 5)
    lines = "".join(f"\r{done} of 5 proposals compared" for done in range(made + 1))
    assert capsys.readouterr().err == lines + made_nl


def test_progress_elsewhere_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 4.0, 10.0, 10.0, 15.0, 23.0, 23.0])
    show = progress("trial", "drawn again", lambda: next(times))
    for done in range(4):
        show(done, 1000)
    assert capsys.readouterr().err == "1 of 1,000 trials drawn again\n3 of 1,000 trials drawn again\n"


def test_proposals_are_told_as_they_are_made_again(run: Run, searched: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # elsewhere it depends on the time whether one is told
    err = run("replay", "--verify", "--proposals-only", "--database", searched).err
    told = "".join(f"\r{done} of 5 proposals compared" for done in range(6))
    assert err.startswith(f"{told}\nverified: ")


def test_a_trial_that_is_drawn_otherwise_today_is_shown(run: Run, searched: str, tmp_path: Path) -> None:
    url = str(shutil.copy(searched, tmp_path / "changed.sqlite"))
    with sqlite3.connect(url) as connection:
        connection.execute("UPDATE trial SET width = width + 1 WHERE number = 3")
    connection.close()
    ended = run("replay", "--verify", "--database", url, "-o", "json")
    assert ended.code == 3
    (row,) = json.loads(ended.out)
    assert (row["trial"], row["field"], row["stored"]) == (3, "width", row["computed"] + 1)
    assert run("replay", "--verify", "--proposals-only", "--database", url).code == 0
