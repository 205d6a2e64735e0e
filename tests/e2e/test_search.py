"""Whole searches with the real trainer, through the command, on both databases."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.views import view_metadata
from tests.e2e.command import read, run, start, write_study
from tests.waiting import PATIENCE_SECONDS, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def test_a_whole_search_ends_with_the_best_generator(database_url: str, tmp_path: Path) -> None:
    study = write_study(tmp_path, execution="{parallelism: 2, devices: [cpu], trials_per_device: 2}")
    assert "is complete" in run(database_url, "submit", study)
    trials = read(database_url, "trials")
    assert len(trials) == 13
    assert {trial["state"] for trial in trials} == {"succeeded"}
    assert {trial["fidelity"] for trial in trials} == {1, 2, 4}
    assert all(0 < trial["parameters"] <= 10_000 for trial in trials)
    assert all(trial["epochs_done"] == trial["fidelity"] for trial in trials)
    best = read(database_url, "best")
    full = [trial["validation_accuracy"] for trial in trials if trial["fidelity"] == 4]
    assert best["objective_values"]["accuracy"] == max(full) > 0.5
    run(database_url, "replay", "--verify")
    again = run(database_url, "submit", study)
    assert "complete" in again, "the same file again is the same study"
    assert len(read(database_url, "trials")) == 13


def test_two_orchestrators_on_one_study_never_run_it_together(database_url: str, tmp_path: Path) -> None:
    study = write_study(tmp_path)
    first = start(database_url, "submit", study)
    try:
        wait_for_trials(database_url, 1)
        refused = run(database_url, "resume", "small", code=2)
        assert str(first.pid) in refused
    finally:
        os.kill(first.pid, signal.SIGINT)
        output, _ = first.communicate(timeout=PATIENCE_SECONDS)
    assert first.returncode == 130
    assert "nago-orch resume small" in output + _


def test_the_first_interrupt_lets_running_trials_end(database_url: str, tmp_path: Path) -> None:
    study = write_study(tmp_path, fidelities="[40, 80, 160]", execution="{parallelism: 2, device: cpu}")
    process = start(database_url, "submit", study)
    wait_for_trials(database_url, 2)
    os.kill(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, errors
    assert "nago-orch resume small" in output + errors
    trials = read(database_url, "trials")
    assert {trial["state"] for trial in trials if trial["attempts"]} == {"succeeded"}
    assert {trial["state"] for trial in trials if not trial["attempts"]} <= {"queued"}


def test_the_second_interrupt_stops_at_once_and_loses_nothing(database_url: str, tmp_path: Path) -> None:
    study = write_study(tmp_path, fidelities="[5000]", search="{algorithm: random, proposals: 2}")
    process = start(database_url, "submit", study)
    wait_for_trials(database_url, 1)
    os.kill(process.pid, signal.SIGINT)
    told = process.stderr
    assert told is not None
    until(lambda: "Ctrl-C again" in told.readline())
    os.kill(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, errors
    assert "nago-orch resume small" in output + errors
    (trial,) = read(database_url, "trials")
    assert (trial["state"], trial["last_failure"]) == ("queued", "interrupted")


def test_a_trainer_that_is_killed_is_tried_again(database_url: str, tmp_path: Path) -> None:
    study = write_study(tmp_path, fidelities="[30]", search="{algorithm: random, proposals: 1}")
    process = start(database_url, "submit", study)
    wait_for_trials(database_url, 1)
    (attempt,) = read(database_url, "show", "small/0")["attempt_rows"]
    os.kill(int(attempt["uid"]), signal.SIGKILL)
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, output + errors
    (trial,) = read(database_url, "trials")
    assert (trial["state"], trial["attempts"], trial["last_failure"]) == ("succeeded", 2, "infrastructure")


def test_a_diverged_training_is_a_result_with_the_worst_values(database_url: str, tmp_path: Path) -> None:
    trainer = "{dataset: {name: digits}, parameter_limit: 10000, learning_rate: 100, gradient_clip: 0, momentum: 0.99}"
    objectives = "[{name: accuracy}, {name: loss}]"
    search = "{algorithm: random, proposals: 2}"
    study = write_study(tmp_path, trainer=trainer, objectives=objectives, search=search, fidelities="[12]")
    run(database_url, "submit", study)
    trials = read(database_url, "trials")
    diverged = [trial for trial in trials if trial["diverged"]]
    assert diverged, trials
    assert {trial["state"] for trial in trials} == {"succeeded"}
    assert {trial["validation_accuracy"] for trial in diverged} == {0.0}


def test_a_study_of_infeasible_trials_fails_with_the_reason(database_url: str, tmp_path: Path) -> None:
    study = write_study(tmp_path, trainer="{dataset: {name: digits}, parameter_limit: 100}")
    assert "no trial succeeded" in run(database_url, "submit", study, code=3)
    trials = read(database_url, "trials")
    assert {trial["state"] for trial in trials} == {"infeasible"}
    assert "limit of 100" in str(read(database_url, "show", "small/0"))


def test_a_study_that_was_cancelled_leaves_no_process(database_url: str, tmp_path: Path) -> None:
    study = write_study(tmp_path, fidelities="[5000]", search="{algorithm: random, proposals: 2}")
    run(database_url, "submit", study, "--detach")
    wait_for_trials(database_url, 1)
    (attempt,) = read(database_url, "show", "small/0")["attempt_rows"]
    run(database_url, "cancel", "small", code=2)
    run(database_url, "cancel", "small", "--yes")
    until(lambda: read(database_url, "trials")[0]["state"] == "cancelled")
    until(lambda: not is_alive(int(attempt["uid"])))


def is_alive(process: int) -> bool:
    return psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE


def wait_for_trials(database: str, running: int) -> None:
    """Until so many trials are running, each with an epoch behind it."""
    overview = view_metadata.tables["trial_overview"]
    under_way = (
        select(func.count()).select_from(overview).where(overview.c.state == "running", overview.c.epochs_done > 0)
    )
    engine = connect(database)

    def enough() -> bool:
        with engine.connect() as connection:
            return (connection.scalar(under_way) or 0) >= running

    until(enough, lambda: f"fewer than {running} trials run")
    engine.dispose()
