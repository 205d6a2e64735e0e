from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nago_orchestrator.services.studies import submit_study
from nago_orchestrator.store.store import open_store
from tests.command_line import Run
from tests.simulated_executor import SimulatedExecutor
from tests.studies import OF_TODAY, SMALL_BOHB, Orchestrator, create, small_spec

STUDY_FILE = SMALL_BOHB.replace("search: {algorithm: bohb, iterations: 6}", "search: {algorithm: random, proposals: 2}")
STUDY_FILE = STUDY_FILE.replace("fidelities: [1, 2, 4]", "fidelities: [1]")


@pytest.fixture
def study_file(tmp_path: Path) -> str:
    file = tmp_path / "study.yaml"
    file.write_text(STUDY_FILE)
    return str(file)


@pytest.mark.slow
def test_a_study_from_its_file_to_its_report(run: Run, study_file: str) -> None:
    submitted = run("submit", study_file)
    assert submitted.code == 0
    assert re.match(r"images: 1,438 of 10 classes: .*\nstudy small\n", submitted.out)
    assert submitted.out.count(" succeeded ") == 2
    assert "next: nago-orch report small" in submitted.out
    again = run("submit", study_file)
    assert again.code == 0
    assert "study small is completed" in again.out
    assert len(json.loads(run("trials", "-o", "json").out)) == 2
    assert run("status", "--watch").out.startswith("small completed: 2 succeeded; best: accuracy")
    assert run("replay", "--verify").code == 0
    assert run("report").code == 0
    resumed = run("resume")
    assert resumed.code == 0, "a study that was completed by somebody else just before is no error"
    assert "study small is completed" in resumed.out
    for command in (["pause"], ["cancel", "--yes"]):
        ended = run(*command)
        assert (ended.code, ended.out) == (3, "")


@pytest.mark.slow
def test_what_a_study_learns_from_is_said(run: Run, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "empty.sqlite"))
    Orchestrator(store, create(store, small_spec(name="before"), OF_TODAY), SimulatedExecutor()).run()
    warm = tmp_path / "warm.yaml"
    warm.write_text(SMALL_BOHB + "warm_start: [before]\n")
    # Cancelled before it is submitted again, so that nothing is trained here.
    submit_study(small_spec(warm_start="[before]"), str(tmp_path / "empty.sqlite"), datetime.now(UTC))
    run("cancel", "--yes", "small")
    evaluations = len(store.study("small").prior)
    store.close()
    assert run("submit", str(warm)).out.splitlines()[1] == f"warm start: {evaluations} evaluations of before"
    assert f"{evaluations} evaluations of before" in run("status", "small").out


def test_two_choices_of_what_is_trained_in_full_are_refused(run: Run) -> None:
    ended = run("train-best", "--pareto", "--best")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "error: --pareto and --best exclude each other: give only one of them\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "is empty"), ("name: [", "invalid YAML"), ("name: x\nsede: 3\n", "seed"), ("- 1\n", "mapping")],
)
def test_a_wrong_study_file_is_wrong_input(run: Run, tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(content)
    ended = run("submit", str(file))
    assert ended.code == 2
    assert words in ended.err
    assert json.loads(run("list", "-o", "json").out) == []


def test_a_study_file_that_is_not_there_is_wrong_input(run: Run) -> None:
    assert run("submit", "nowhere.yaml").code == 2


@pytest.mark.parametrize("command", [["pause"], ["resume"], ["cancel", "--yes"]])
def test_a_study_that_is_not_there_cannot_be_moved(run: Run, command: list[str]) -> None:
    ended = run(*command, "nowhere")
    assert ended.code == 4
    assert "nowhere" in ended.err


def test_a_paused_study_waits_and_a_cancelled_one_is_over(run: Run, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "empty.sqlite"))
    create(store, small_spec())
    store.close()
    assert run("pause").out == "study small is paused; continue with: nago-orch resume small\n"
    assert run("cancel", "--yes").out == "study small is cancelled\n"
    assert run("resume").code == 3
