"""What the executor makes of pods that end on a recent cluster: held by a finalizer, gone before their Job has failed.

The cluster's steps follow one another without a look of the executor's loop in between.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nago_orchestrator.domain.attempts import Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.api.errors import ApiError
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.status.deadlines import UnfinishedJobs
from nago_orchestrator.executors.kubernetes.status.sightings import PodSightings
from nago_trainer.contract.task import TrialTask
from tests.api_dry_run import field_warnings
from tests.api_server import ApiServer, Object
from tests.executor_scene import NAME, Clock, seen_in
from tests.job_controller import report
from tests.kubernetes_access import job_api, kubernetes_settings, study_label
from tests.recent_cluster import (
    complete_job,
    delete_pod,
    end_trainer,
    evict_pod,
    fail_job,
    resume_job,
    run_pod,
    suspend_job,
    update,
)
from tests.simulated_executor import succeed
from tests.waiting import until

INFRASTRUCTURE, INTERRUPTED = Failure.INFRASTRUCTURE, Failure.INTERRUPTED
Remove = Callable[[ApiServer, str], None]


@pytest.fixture
def running(server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock) -> KubernetesExecutor:
    """An executor whose attempt runs."""
    executor.start(NAME, task)
    run_pod(server, NAME)
    seen_in(executor, Phase.RUNNING, clock)
    return executor


def fail_completely(server: ApiServer, *, code: int, disrupted: bool = False) -> None:
    for _ in fail_job(server, NAME, code=code, disrupted=disrupted):
        pass


def await_pod_reads(server: ApiServer, change: Callable[[], object]) -> None:
    """Until the pods have been read because of the change."""
    before = server.count("GET", "/pods")
    change()
    until(lambda: server.count("GET", "/pods") > before, lambda: "the pods were not read")


@pytest.mark.parametrize(
    ("remove", "code", "reason"),
    [(delete_pod, 143, "PodDeleted"), (delete_pod, 137, "PodDeleted"), (evict_pod, 85, "Evicted")],
)
def test_a_pod_that_is_gone_before_its_job_has_failed_is_remembered(
    server: ApiServer, running: KubernetesExecutor, clock: Clock, remove: Remove, code: int, reason: str
) -> None:
    await_pod_reads(server, lambda: remove(server, NAME))
    end_trainer(server, NAME, code=code, reason="OOMKilled" if code == 137 else "Error")
    fail_completely(server, code=code, disrupted=remove is evict_pod)
    assert server.objects["pods"] == {}
    seen = seen_in(running, Phase.ENDED, clock)
    assert (seen.failure, seen.reason) == (INFRASTRUCTURE, reason)


@pytest.mark.parametrize(("remove", "reason"), [(delete_pod, "PodDeleted"), (evict_pod, "Evicted")])
def test_the_end_is_read_when_the_job_is_about_to_fail(
    server: ApiServer, running: KubernetesExecutor, clock: Clock, remove: Remove, reason: str
) -> None:
    """Of a cluster that does not tell of pods that terminate (before 1.29)."""
    remove(server, NAME)
    update(server, NAME, terminating=None)
    end_trainer(server, NAME, code=137, reason="OOMKilled", message="killed")
    steps = fail_job(server, NAME, code=137, disrupted=remove is evict_pod)
    await_pod_reads(server, lambda: next(steps))
    for _ in steps:
        pass
    seen = seen_in(running, Phase.ENDED, clock)
    assert (seen.failure, seen.reason, seen.exit_code, seen.node) == (INFRASTRUCTURE, reason, 137, "node-1")


@pytest.mark.parametrize("code", [85, 137, 143])
def test_a_pod_that_nobody_saw_go_was_deleted(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock, code: int
) -> None:
    executor.start(NAME, task)
    run_pod(server, NAME)
    seen_in(executor, Phase.RUNNING, clock)
    server.objects["pods"].clear()
    message = f"Container trainer for pod research/p failed with exit code {code} matching FailJob rule at index 1"
    told = {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": message}
    server.change("jobs", NAME, lambda job: job["status"].update(conditions=[told]))
    seen = seen_in(executor, Phase.ENDED, clock)
    assert (seen.failure, seen.reason) == (INFRASTRUCTURE, "PodDeleted")


def test_a_failure_of_the_trainers_own_keeps_its_cause_and_its_log(
    server: ApiServer, running: KubernetesExecutor, clock: Clock
) -> None:
    server.logs[f"{NAME}-x7k2p"] = "loading\nKeyError\n"
    end_trainer(server, NAME, code=70, reason="Error")
    fail_completely(server, code=70)
    seen = seen_in(running, Phase.ENDED, clock)
    assert (seen.failure, seen.reason, seen.log_tail) == (Failure.DEFECT, "ExitCode70", "loading\nKeyError")


def test_conditions_that_come_before_complete_are_no_end(
    server: ApiServer, running: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    end_trainer(server, NAME, message=success(server, server.jobs()[NAME], task))
    steps = complete_job(server, NAME)
    next(steps)
    assert running.observe([NAME])[NAME].phase is not Phase.ABSENT
    for _ in steps:
        pass
    seen = seen_in(running, Phase.ENDED, clock)
    assert (seen.result is not None, seen.failure) == (True, None)


@pytest.mark.parametrize("code", [0, 70])
def test_a_sidecar_does_not_keep_an_attempt_whose_trainer_has_ended(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock, code: int
) -> None:
    executor.start(NAME, task)
    run_pod(server, NAME, sidecar=True)
    seen_in(executor, Phase.RUNNING, clock)
    end_trainer(server, NAME, code=code, message="" if code else success(server, server.jobs()[NAME], task))
    seen = seen_in(executor, Phase.ENDED, clock)
    assert (seen.exit_code, seen.result is not None) == (code, code == 0)
    assert seen.reason == ("ExitCode70" if code else None)
    assert server.pods_of(NAME)[0]["status"]["phase"] == "Running"
    executor.observe([])
    assert server.jobs() == {}, "the GPU is free again"


def test_a_sidecar_on_a_cluster_that_tells_nothing_of_readiness(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    run_pod(server, NAME, sidecar=True)
    update(server, NAME, ready=None, terminating=None)
    seen_in(executor, Phase.RUNNING, clock)
    end_trainer(server, NAME, code=3)
    update(server, NAME, ready=None)
    assert seen_in(executor, Phase.ENDED, clock).failure is Failure.INFEASIBLE


def test_a_job_that_is_suspended_while_it_runs_goes_on_afterwards(
    server: ApiServer, running: KubernetesExecutor, clock: Clock
) -> None:
    suspend_job(server, NAME)
    assert seen_in(running, Phase.PENDING, clock).reason == "Suspended"
    end_trainer(server, NAME, code=85)
    for _ in range(5):
        clock.advance(seconds=6)
        assert running.observe([NAME])[NAME].phase is Phase.PENDING, "and no end, though its trainer has ended"
    pod = server.pods_of(NAME)[0]["metadata"]["name"]
    server.change("pods", pod, lambda found: found["metadata"].update(finalizers=[]))
    resume_job(server, NAME, at="2999-01-01T00:00:00Z")
    until(lambda: running.observe([NAME])[NAME].reason == "NoPod", lambda: running.observe([NAME])[NAME])
    run_pod(server, NAME, pod="second")
    seen_in(running, Phase.RUNNING, clock)


def test_a_job_that_goes_on_after_a_day_has_not_waited_for_a_day(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    """What it was before says nothing any more: its old pod, which was asked to end, and its own creation."""
    executor.start(NAME, task)
    run_pod(server, NAME)
    suspend_job(server, NAME)
    api = job_api(server)
    unfinished = UnfinishedJobs(api, kubernetes_settings().wait_limits, study_label().selector, PodSightings(api))
    unfinished.poll(server.jobs(), clock())
    clock.advance(days=1)
    server.change("jobs", NAME, lambda job: job["spec"].update(suspend=False))
    seen = unfinished.observe(server.jobs()[NAME], clock())
    assert (seen.phase, seen.reason) == (Phase.PENDING, "Suspended"), "the Job controller has not seen it yet"
    at = clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    resume_job(server, NAME, at=at)
    update(server, NAME, startTime=at)
    seen = unfinished.observe(server.jobs()[NAME], clock())
    assert (seen.phase, seen.reason) == (Phase.PENDING, "NoPod"), "the old pod is not meant"


@pytest.mark.parametrize("code", [85, 137, 143])
def test_a_job_that_fails_by_its_suspension_uses_up_no_retry(
    server: ApiServer, running: KubernetesExecutor, clock: Clock, code: int
) -> None:
    suspend_job(server, NAME)
    end_trainer(server, NAME, code=code)
    fail_completely(server, code=code)
    seen = seen_in(running, Phase.ENDED, clock)
    assert (seen.failure, seen.reason) == (INTERRUPTED, "Suspended")


@pytest.mark.parametrize(
    ("version", "validation", "told"),
    [("v1.34.1", "Warn", True), ("v1.34.1", "Ignore", False), ("v1.20.15", "", False)],
)
def test_an_unknown_field_is_told_as_the_version_and_the_request_say(
    server: ApiServer, version: str, validation: str, told: bool
) -> None:
    server.cluster.version = version
    api = job_api(server)
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {}, "odd": 1}}
    query = {"fieldValidation": validation} if validation else {}
    assert api.client.warnings_of(api.path, body, query) == (('unknown field "spec.odd"',) if told else ())
    assert ("odd" in server.jobs()["j"]["spec"]) is not told


def test_a_strict_request_with_an_unknown_field_is_refused(server: ApiServer) -> None:
    api = job_api(server)
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {}, "odd": 1}}
    with pytest.raises(ApiError, match=r'unknown field "spec[.]odd"'):
        api.client.warnings_of(api.path, body, {"fieldValidation": "Strict"})
    assert server.jobs() == {}


def test_no_field_of_the_executors_jobs_is_unknown(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask
) -> None:
    executor.start(NAME, task)
    wanted = next(seen.body for seen in server.requests if seen.method == "POST" and seen.path.endswith("/jobs"))
    assert field_warnings(wanted, server.cluster.version) == []


def success(server: ApiServer, job: Object, task: TrialTask) -> str:
    result = succeed(task).result
    assert result is not None
    return report(server, job, result=result.to_json())
