"""What the executor makes of Jobs that are over, or gone, over real HTTP."""

from __future__ import annotations

import pytest

from nago_orchestrator.domain.attempts import Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_trainer.contract.task import TrialTask
from tests.api_server import ApiServer, Fault, now_text
from tests.executor_scene import NAME, Clock, seen_in
from tests.job_controller import begin, end, finish, pod_of


def test_causes_are_read_once_and_outlive_the_pods(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME)
    seen_in(executor, Phase.RUNNING, clock)
    server.logs[f"{NAME}-x7k2p"] = "loading\ntraining\n"
    end(server, NAME, code=137, reason="OOMKilled")
    seen = seen_in(executor, Phase.ENDED, clock)
    assert (seen.failure, seen.reason, seen.log_tail) == (Failure.DEFECT, "OOMKilled", "loading\ntraining")
    server.remove("pods", f"{NAME}-x7k2p")
    before = len(server.requests)
    assert executor.observe([NAME])[NAME] == seen
    assert not [request for request in server.requests[before:] if not request.query.get("watch")]


def test_a_cause_that_cannot_be_read_now_is_read_later(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME)
    seen_in(executor, Phase.RUNNING, clock)
    server.faults.append(Fault(path="/pods", status=503, times=4))
    end(server, NAME, code=3)
    assert seen_in(executor, Phase.ENDED, clock).failure is Failure.INFEASIBLE


@pytest.mark.parametrize("statuses", [None, []])
def test_a_pod_without_statuses_breaks_nothing(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock, statuses: object
) -> None:
    executor.start(NAME, task)
    server.put("pods", pod_of(server.jobs()[NAME], phase="Failed", reason="Evicted", containerStatuses=statuses))
    finish(server, NAME, failed=True)
    assert seen_in(executor, Phase.ENDED, clock).reason == "Evicted"


def test_a_job_that_somebody_deletes_is_absent_and_one_that_is_going_has_ended(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME)
    seen_in(executor, Phase.RUNNING, clock)
    server.change("jobs", NAME, lambda job: job["metadata"].update(deletionTimestamp=now_text()))
    assert seen_in(executor, Phase.ENDED, clock).reason == "JobDeleted"
    server.remove("jobs", NAME)
    assert seen_in(executor, Phase.ABSENT, clock).reason == "JobDeleted"
