"""logs: from the file, from the pod, and what is stored of both."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.domain.trial_design import build_task
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel
from nago_orchestrator.store.attempts import NewAttempt
from nago_orchestrator.store.store import Store, open_store
from nago_trainer.contract.reports import EpochRecord, TrialResult
from tests.api_server import ApiServer, api_server
from tests.command_line import Run
from tests.job_controller import begin, end
from tests.kubernetes_access import kubernetes_settings
from tests.store_scene import Scene
from tests.studies import create, small_spec
from tests.trainer_scene import SMALL, small_trial
from tests.waiting import until

NAME = "small-t00000-a1"
EPOCHS = tuple(
    EpochRecord(
        epoch=number,
        training_loss=1 / number,
        training_accuracy=0.5,
        validation_loss=2 / number,
        validation_accuracy=0.25,
        learning_rate=0.1,
        seconds=1.0,
    )
    for number in (1, 2)
)
RESULT = TrialResult(
    validation_accuracy=0.25,
    validation_loss=1.0,
    diverged=False,
    epochs=2,
    seconds=2.0,
    seconds_to_first_step=0.1,
    parameters=5,
    device="cpu",
    network=None,
)


@dataclass
class LogScene:
    store: Store
    scene: Scene
    runs: Path
    executor: str

    @classmethod
    def make(cls, folder: Path, executor: str) -> LogScene:
        store = open_store(str(folder / "empty.sqlite"))
        where = "{where: kubernetes, kubernetes: {image: trainer}}" if executor == "kubernetes" else "{parallelism: 1}"
        scene = Scene(store, create(store, small_spec(execution=where)))
        scene.propose(small_trial(), fidelity=1)
        made = cls(store, scene, folder / "empty.sqlite.runs" / "small" / NAME, executor)
        made.attempt()
        return made

    def attempt(self) -> None:
        (trial,) = self.store.active_trials(self.scene.study.id)
        self.store.add_attempt(
            trial.id, NewAttempt(name=NAME, token="t", executor=self.executor, gpus=0), datetime.now(UTC)
        )

    def fail(self, tail: str | None) -> None:
        (trial,) = self.store.active_trials(self.scene.study.id)
        assert trial.live_attempt is not None
        seen = Observation(phase=Phase.ENDED, reason="OOMKilled", message="too large", log_tail=tail)
        self.store.end_attempt(
            trial.live_attempt.id,
            state=AttemptState.FAILED,
            failure=Failure.DEFECT,
            observation=seen,
            trial_to=TrialState.FAILED,
            not_before=None,
            now=datetime.now(UTC),
        )

    def succeed(self) -> None:
        (trial,) = self.store.active_trials(self.scene.study.id)
        assert trial.live_attempt is not None
        seen = Observation(phase=Phase.ENDED, epochs=EPOCHS)
        self.store.accept_result(trial.live_attempt.id, RESULT, observation=seen, now=datetime.now(UTC))

    def print(self, text: str) -> None:
        self.runs.mkdir(parents=True, exist_ok=True)
        with (self.runs / "log.txt").open("a") as file:
            file.write(text)


@pytest.fixture
def local(run: Run, tmp_path: Path) -> LogScene:
    return LogScene.make(tmp_path, "local")


def test_a_file_is_printed_whole_or_its_end(run: Run, local: LogScene) -> None:
    local.print("one\ntwo\n")
    assert run("logs", "0").out == "one\ntwo\n"
    assert run("logs", "small/0", "--tail", "1").out == "two\n"


def test_a_running_attempt_without_a_word_is_no_error(run: Run, local: LogScene) -> None:
    ended = run("logs", "0")
    assert (ended.code, ended.out) == (0, ""), ended.err
    assert "attempt 1 of trial small/0 has printed nothing" in ended.err


@pytest.mark.slow
def test_following_ends_with_the_attempt_and_says_how(run: Run, local: LogScene) -> None:
    local.print("one\n")

    def go_on() -> None:
        local.print("two\n")
        local.fail("two")

    timer = threading.Timer(1.0, go_on)
    timer.start()
    ended = run("logs", "0", "--follow")
    timer.join()
    assert (ended.code, ended.out) == (0, "one\ntwo\n")
    assert ended.err == "attempt 1 of trial small/0 has ended, failed: OOMKilled: too large\n"


def test_once_the_file_is_gone_its_stored_end_is_printed(run: Run, local: LogScene) -> None:
    local.fail("one\ntwo")
    ended = run("logs", "0", "-f", "--tail", "1")
    assert (ended.code, ended.out) == (0, "two\n")
    assert "its last lines, from the database" in ended.err


def test_a_trial_that_never_had_an_attempt_has_no_log(run: Run, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "empty.sqlite"))
    scene = Scene(store, create(store, small_spec()))
    scene.propose(small_trial(), fidelity=1)
    store.cancel_trials(scene.study.id, datetime.now(UTC))
    for arguments in (["logs", "0"], ["logs", "0", "-f"]):
        ended = run(*arguments)
        assert ended.code == 4
        assert "has no attempt yet" in ended.err


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    with api_server() as running:
        content = {
            "current-context": "lab",
            "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u", "namespace": "research"}}],
            "clusters": [{"name": "c", "cluster": {"server": running.address}}],
            "users": [{"name": "u", "user": {"token": "token"}}],
        }
        file = tmp_path / "kubeconfig"
        file.write_text(yaml.safe_dump(content))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
        yield running


@pytest.fixture
def in_cluster(run: Run, tmp_path: Path, server: ApiServer) -> LogScene:
    """An attempt whose Job has no pod yet."""
    made = LogScene.make(tmp_path, "kubernetes")
    (trial,) = made.store.active_trials(made.scene.study.id)
    task = build_task(made.store.trial_design(trial.id), SMALL, attempt=1, token="t")
    label = StudyLabel.of("small", made.scene.study.created_at)
    server.put("jobs", build_job(NAME, task, label, kubernetes_settings()))
    return made


def test_a_pod_s_log_is_read_while_it_runs(run: Run, in_cluster: LogScene, server: ApiServer) -> None:
    ended = run("logs", "0")
    assert (ended.code, ended.out) == (0, ""), ended.err
    assert "no pod" in ended.err
    begin(server, NAME)
    server.logs[f"{NAME}-x7k2p"] = "epoch 1\nepoch 2\n"
    assert run("logs", "0", "--tail", "1").out == "epoch 2\n"


@pytest.mark.slow
def test_a_pod_s_log_is_followed_from_before_it_is_there(run: Run, in_cluster: LogScene, server: ApiServer) -> None:
    def train() -> None:
        until(lambda: server.count("GET", "/pods") >= 2)
        begin(server, NAME)
        server.logs[f"{NAME}-x7k2p"] = "epoch 1\n"
        end(server, NAME, code=137, reason="OOMKilled")
        in_cluster.fail("epoch 1")

    timer = threading.Thread(target=train)
    timer.start()
    ended = run("logs", "0", "-f")
    timer.join()
    assert (ended.code, ended.out) == (0, "epoch 1\n")
    assert ended.err.splitlines() == [
        "the attempt has no pod, either not yet or no longer",
        "attempt 1 of trial small/0 has ended, failed: OOMKilled: too large",
    ]


def test_once_the_pod_is_gone_its_stored_end_is_printed_without_a_cluster(run: Run, tmp_path: Path) -> None:
    made = LogScene.make(tmp_path, "kubernetes")
    made.fail("epoch 1")
    ended = run("logs", "0")
    assert (ended.code, ended.out) == (0, "epoch 1\n")


@pytest.mark.parametrize("options", [[], ["--follow"]])
def test_of_one_that_succeeded_the_epochs_are_told_once_its_log_is_gone(
    run: Run, tmp_path: Path, options: list[str]
) -> None:
    made = LogScene.make(tmp_path, "kubernetes")
    made.succeed()
    ended = run("logs", "0", *options)
    assert (ended.code, ended.out.splitlines()) == (0, [epoch.in_words() for epoch in EPOCHS])
    assert "these are its epochs, from the database" in ended.err
    assert run("logs", "0", "--tail", "1").out.splitlines() == [EPOCHS[-1].in_words()]


def test_one_that_left_nothing_at_all_says_why(run: Run, tmp_path: Path) -> None:
    LogScene.make(tmp_path, "kubernetes").fail(None)
    ended = run("logs", "0")
    assert ended.code == 4
    assert "has no log: it is gone, or nothing was printed: OOMKilled: too large" in ended.err


def test_without_a_cluster_a_running_pod_cannot_be_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    LogScene.make(tmp_path, "kubernetes")
    ended = run("logs", "0")
    assert ended.code == 2
    assert "set KUBECONFIG" in ended.err


def test_a_log_on_another_machine_is_named(run: Run, local: LogScene) -> None:
    (trial,) = local.store.active_trials(local.scene.study.id)
    assert trial.live_attempt is not None
    local.store.mark_running(trial.live_attempt.id, node="saturn", uid="1", now=datetime.now(UTC))
    ended = run("logs", "0")
    assert ended.code == 4
    assert "runs on another machine (saturn)" in ended.err
    assert os.uname().nodename != "saturn"
