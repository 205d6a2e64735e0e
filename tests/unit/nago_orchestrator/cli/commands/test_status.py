from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nago_orchestrator.cli.commands.status import final_training_words, status_facts, watch_line
from nago_orchestrator.cli.output.outlook import best_sentence
from nago_orchestrator.cli.output.tables import as_mapping, to_json
from nago_orchestrator.domain.data_checks import DataCheck
from nago_orchestrator.domain.final_rows import FinalTrainingCount
from nago_orchestrator.domain.rows import widened
from nago_orchestrator.domain.states import AttemptState, StudyState, TrialState
from nago_orchestrator.search.final_training import Chosen
from nago_orchestrator.services.final_training import train_best
from nago_orchestrator.services.study_status import StudyLook, grouped_by_epochs, last_event, seconds_left
from nago_orchestrator.store.store import open_store
from tests.command_line import Run
from tests.rows import MADE_AT, generator_row, study_status, trial_row
from tests.simulated_executor import SimulatedExecutor
from tests.store_scene import NEW_STUDY, Scene
from tests.studies import Orchestrator, create, small_spec

NOW = MADE_AT


RANDOM = small_spec(search="{algorithm: random, proposals: 20}", execution="{parallelism: 2}").canonical()


def status(nothing: str | None = None, **changes: Any) -> StudyLook:
    row = study_status(**{"spec": RANDOM, **changes})
    return widened(
        StudyLook, row, best=None, nothing=nothing, final_training_counts=(), ledger=(), last_event_at=row.changed_at
    )


def test_time_left_is_mean_time_times_trials_to_come_over_parallelism() -> None:
    assert seconds_left(status()) == pytest.approx((20 - 6) * 10.0 / 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": StudyState.PAUSED},
        {"trial_states": {TrialState.SUCCEEDED: 4}},
        {"spec": small_spec().canonical()},
    ],
)
def test_time_left_is_not_guessed(changes: dict[str, Any]) -> None:
    assert seconds_left(status(**changes)) is None


def test_the_last_event_is_the_newest_of_study_and_trials() -> None:
    late = NOW + timedelta(minutes=3)
    trial = trial_row(started_at=late)
    assert last_event(status(), []) == NOW
    assert last_event(status(running=(trial,)), []) == late
    assert last_event(status(), [trial]) == late


def test_the_watched_line_leaves_out_states_without_trials() -> None:
    assert watch_line(status()).startswith("s running: 6 succeeded; nothing has been evaluated")


def test_the_best_after_one_epoch_is_told_in_the_singular() -> None:
    best = generator_row(3, objective_values={"accuracy": 0.5}, fidelity=1)
    assert best_sentence(best) == "best: accuracy 50.00 % (proposal 3, 1 epoch)"


def test_final_training_counts_are_told_by_their_epochs() -> None:
    rows = [
        FinalTrainingCount(epochs=1, state=TrialState.SUCCEEDED, trials=1),
        FinalTrainingCount(epochs=60, state=TrialState.RUNNING, trials=1),
        FinalTrainingCount(epochs=60, state=TrialState.SUCCEEDED, trials=3),
    ]
    words = "1 network for 1 epoch: 1 succeeded; 4 networks for 60 epochs: 1 running, 3 succeeded"
    assert final_training_words(grouped_by_epochs(rows)) == words


def test_status_says_how_many_networks_are_trained_in_full(run: Run, tmp_path: Path) -> None:
    url = str(tmp_path / "empty.sqlite")
    store = open_store(url)
    orchestrator = Orchestrator(
        store, create(store, small_spec(search="{algorithm: bohb, iterations: 1}")), SimulatedExecutor()
    )
    orchestrator.run()
    assert "final  " not in run("status").out
    (found, *_) = (item for item in store.history(orchestrator.study.id)[0] if item.fidelity == 4)
    chosen = [Chosen(proposal=found.number, theta=found.theta)]
    train_best(store, "small", chosen, networks=2, epochs=5, now=NOW)
    assert "final       2 networks for 5 epochs: 2 queued\n" in run("status").out
    orchestrator.run()
    shown = json.loads(run("status", "-o", "json").out)["final_training_counts"]
    assert shown == [{"epochs": 5, "state": "succeeded", "trials": 2}]
    *of_search, last = run("replay").out.splitlines()
    assert "final training" in last
    assert not any("final training" in line for line in of_search)
    store.close()


def test_a_study_that_found_nothing_says_why() -> None:
    nothing = "12 evaluations, all infeasible: too large"
    assert watch_line(status(nothing=nothing)).endswith(
        "; no generator found: 12 evaluations, all infeasible: too large"
    )


def test_status_and_show_say_why_an_attempt_waits(run: Run, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "empty.sqlite"))
    scene = Scene(store, store.create_study(replace(NEW_STUDY, spec=RANDOM), NOW))
    scene.propose()
    reason, message = "Unschedulable", "no node can take the pod: 0/3 nodes are available"
    scene.store.note_waiting(scene.attempt(0, running=False).id, reason=reason, message=message, now=NOW)
    shown = run("status").out
    assert "waiting     1 attempt not running: 1 Unschedulable\n" in shown
    assert message in shown
    (waiting,) = json.loads(run("status", "-o", "json").out)["waiting"]
    assert (waiting["trial"], waiting["attempt"], waiting["reason"], waiting["message"]) == (0, 1, reason, message)
    assert message in run("show", "0").out
    (attempt,) = json.loads(run("show", "0", "-o", "json").out)["attempt_rows"]
    assert (attempt["state"], attempt["reason"], attempt["message"]) == ("created", reason, message)
    assert "waiting" not in run("status", "-o", "csv").out
    store.close()


def test_status_says_how_the_study_stands(run: Run, filled: str) -> None:
    shown = run("status", "--database", filled)
    for words in ("synthetic, seed 3", "39 succeeded", "no process", "infrastructure", "27 epochs"):
        assert words in shown.out
    assert json.loads(run("status", "--database", filled, "-o", "json").out)["trial_states"]["succeeded"] == 39


def test_watching_prints_lines_alone(run: Run, filled: str) -> None:
    ended = run("status", "--watch", "-o", "json", "--database", filled)
    assert ended.code == 2
    assert ended.err.startswith("error: --watch has no json output")


CHECK = DataCheck(
    number=1,
    state=AttemptState.CREATED,
    failure=None,
    reason="Unschedulable",
    message="no node can take the pod",
    study_changed_at=NOW,
    created_at=NOW,
    ended_at=None,
)


def test_why_a_check_of_the_images_waits_is_shown_until_it_has_ended_well() -> None:
    shown = dict(status_facts(status(data_check=CHECK), NOW))
    assert shown["data check"] == "waiting (Unschedulable: no node can take the pod)"
    again = replace(CHECK, number=3, state=AttemptState.RUNNING, reason=None, message=None)
    assert dict(status_facts(status(data_check=again), NOW))["data check"] == "running, try 3"
    assert "data check" not in dict(status_facts(status(), NOW))
    written = json.loads(to_json(as_mapping(status(data_check=CHECK))))
    assert written["data_check"]["reason"] == "Unschedulable"
