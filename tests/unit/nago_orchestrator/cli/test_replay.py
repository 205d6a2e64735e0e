from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

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
    assert ended.err.startswith("the same: ")
    assert run("best", "-o", "json", "--database", str(url)).out == "null\n"


def test_a_search_is_the_same_down_to_every_architecture(run: Run, searched: str) -> None:
    ended = run("replay", "--verify", "--database", searched)
    assert ended.code == 0
    assert ended.err.startswith("the same: ")
    assert "every architecture" in ended.err


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
