"""The page on the architecture lists the stops of both ways of the data: one trial is traced and compared with it."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from nago_orchestrator import bootstrap
from nago_orchestrator.cli.app import main
from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.proposals import Evaluation, Proposal
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.domain.trials import NewTrial
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.local.executor import LocalExecutor
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.store.store import Store
from nago_trainer.__main__ import main as train
from nago_trainer.contract.attempt_files import CLAIM_FILE, TASK_FILE
from nago_trainer.contract.reports import TrialResult
from nago_trainer.contract.task import TrialTask
from tests.api_server import ApiServer, Object, api_server
from tests.data_flow import Stop, listed_stops, traced
from tests.job_controller import JobController, end, report
from tests.kubernetes_access import ROLE_PREFIX, job_api, kubernetes_settings, study_label
from tests.store_scene import RESULT
from tests.studies import Orchestrator, create

MOST_STOPS = 12
STUDY = """
name: small
seed: 3
space:
  hyperparameters:
    top_nodes: 3
    top_k: 2
    top_p: {low: 0.1, high: 0.9}
    mid_nodes: 1
    mid_p: 0.5
    bottom_nodes: 1
    bottom_k: 0
    bottom_p: 0.0
fidelities: [1]
search: {algorithm: random, proposals: 1}
trainer:
  dataset: {name: digits}
  parameter_limit: 3000
execution: {parallelism: 1, device: cpu}
"""
SERVER_THAT_STARTS_NOTHING = (sys.executable, "-c", "import sys; sys.stdin.read()")
FORMS = (StudySpec, Proposal, NewTrial, TrialTask, TrialResult, Evaluation)


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """The training runs in this process."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    return str(shutil.copy(sqlite_template, tmp_path / "nago.sqlite"))


def _compare(found: list[Stop], heading: str) -> None:
    listed = listed_stops(heading)
    assert [(stop.function, stop.caller.partition("/")[2]) for stop in found] == [
        (stop.function, stop.caller) for stop in listed
    ]
    assert 0 < len(listed) <= MOST_STOPS


@pytest.mark.slow
def test_from_the_study_file_to_the_result_row(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainer is called in this process, by the loop's sleep: what is between them are files."""

    def run_waiting_attempts(_seconds: float) -> None:
        for task in tmp_path.glob(f"*.runs/small/*/{TASK_FILE}"):
            if not (task.parent / CLAIM_FILE).exists():
                assert train(["run", str(task.parent)]) == 0

    def is_form(value: Any) -> bool:
        return isinstance(value, FORMS) or (isinstance(value, Observation) and value.result is not None)

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    # Its trainer is traced in this process.
    monkeypatch.setattr(bootstrap, "LocalExecutor", partial(LocalExecutor, command=SERVER_THAT_STARTS_NOTHING))
    monkeypatch.setattr(bootstrap, "time", SimpleNamespace(sleep=run_waiting_attempts))
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    with traced(is_form, *FORMS) as trace, pytest.raises(SystemExit) as ended:
        main(("submit", str(tmp_path / "study.yaml"), "--follow", "--database", database_url))
    assert not ended.value.code
    last = next(number for number, stop in enumerate(trace.stops) if stop.function.endswith(":Store.accept_result"))
    _compare(trace.stops[: last + 1], "From study.yaml to a result row")


def _is_ended_pod(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    status = value.get("status")
    states = status.get("containerStatuses", ()) if isinstance(status, dict) else ()
    return any("terminated" in found.get("state", {}) for found in states)


def test_from_the_end_of_a_pod_to_the_proposer(store: Store) -> None:
    def play(server: ApiServer, job: Object) -> None:
        name = job["metadata"]["name"]
        (trial,) = store.active_trials(study_id=1)
        result = replace(RESULT, epochs=trial.epochs, parameters=trial.parameters)
        end(server, name, message=report(server, job, result=result.to_json()))

    def is_form(value: Any) -> bool:
        ended = isinstance(value, Observation) and value.phase is Phase.ENDED
        return ended or _is_ended_pod(value) or isinstance(value, (TrialResult, Evaluation))

    study = create(store, parse_study_spec(STUDY, "the test's study"))
    with api_server() as server, traced(is_form, TrialResult, Evaluation) as trace, JobController(server, play):
        executor = KubernetesExecutor(job_api(server), kubernetes_settings(), study_label(), role_prefix=ROLE_PREFIX)
        try:
            orchestrator = Orchestrator(store, study, executor, sleep=lambda _: time.sleep(0.005))
            assert orchestrator.run() is StudyState.COMPLETED
        finally:
            executor.close()
    assert [stop for stop in trace.stops if _is_beside_the_way(stop)]
    _compare([stop for stop in trace.stops if not _is_beside_the_way(stop)], "From the end of a pod to the proposer")


def _is_beside_the_way(stop: Stop) -> bool:
    """Conversions of Kubernetes' objects; and the poll of unfinished Jobs, which may see the end before the watch."""
    return "manifest/objects.py:" in stop.function or stop.caller.endswith("UnfinishedJobs.poll")
