"""What the executor makes of Jobs that have not begun, or begin anew, over real HTTP."""

from __future__ import annotations

from nago_orchestrator.domain.attempts import Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_trainer.contract.task import TrialTask
from tests.api_server import ApiServer, now_text
from tests.executor_scene import NAME, Clock, seen_in
from tests.job_controller import begin, pod_of, scheduled, set_status


def test_a_cluster_that_tells_nothing_of_readiness_is_asked_for_its_pods(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME, tells_ready=False)
    assert seen_in(executor, Phase.RUNNING, clock).node == "node-1"
    before = server.count("GET", "/pods")
    for _ in range(100):
        clock.advance(seconds=3)
        executor.observe([NAME])
    assert server.count("GET", "/pods") - before <= 21, "four times a minute while it runs"


def test_a_pod_that_the_cluster_replaces_is_an_attempt_that_was_lost(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME, tells_ready=False)
    seen_in(executor, Phase.RUNNING, clock)
    successor = pod_of(server.jobs()[NAME], conditions=[scheduled()])
    successor["metadata"].update(name=f"{NAME}-second", creationTimestamp="2999-01-01T00:00:00Z")
    server.put("pods", successor)
    seen = seen_in(executor, Phase.ENDED, clock)
    assert (seen.failure, seen.reason) == (Failure.INFRASTRUCTURE, "PodDeleted")


def test_unschedulable_is_never_running(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    condition = {**scheduled(), "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    server.put("pods", pod_of(server.jobs()[NAME], conditions=[condition]))
    set_status(server, NAME, active=1, startTime=now_text())
    for _ in range(20):
        clock.advance(seconds=6)
        assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    assert "0/1 nodes" in str(executor.observe([NAME])[NAME].message)
    clock.advance(hours=25)
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.failure, seen.reason) == (Phase.ENDED, Failure.INFRASTRUCTURE, "Unschedulable")


def test_an_image_that_recovers_within_its_grace_fails_nothing(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    job = server.jobs()[NAME]
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "manifest unknown"}}
    server.put("pods", pod_of(job, conditions=[scheduled()], containerStatuses=[{"name": "trainer", "state": state}]))
    set_status(server, NAME, active=1, startTime=now_text())
    for _ in range(40):
        clock.advance(seconds=6)
        assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    begin(server, NAME)
    assert seen_in(executor, Phase.RUNNING, clock)


def test_an_image_that_does_not_exist_is_given_up_after_its_grace(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    job = server.jobs()[NAME]
    state = {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}
    server.put("pods", pod_of(job, conditions=[scheduled()], containerStatuses=[{"name": "trainer", "state": state}]))
    set_status(server, NAME, active=1, startTime=now_text())
    clock.advance(seconds=6)
    executor.observe([NAME])
    backing_off = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    status = {"name": "trainer", "state": backing_off}
    pod = f"{NAME}-x7k2p"
    server.change("pods", pod, lambda found: found["status"].update(containerStatuses=[status]))
    clock.advance(minutes=4)
    assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    clock.advance(minutes=2)
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.failure, seen.reason) == (Phase.ENDED, Failure.DEFECT, "ErrImagePull")
    executor.observe([])
    assert server.jobs() == {}, "what was given up does not run after all"


def test_a_volume_that_cannot_be_mounted_is_told_in_the_clusters_words(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    pod = server.put("pods", pod_of(server.jobs()[NAME], conditions=[scheduled()]))
    set_status(server, NAME, active=1, startTime=now_text())
    assert seen_in(executor, Phase.PENDING, clock)
    server.put(
        "events",
        {
            "metadata": {"name": "e"},
            "involvedObject": {"kind": "Pod", "uid": pod["metadata"]["uid"]},
            "type": "Warning",
            "reason": "FailedMount",
            "message": "Unable to attach or mount volumes:\nunmounted volumes=[data]",
        },
    )
    clock.advance(seconds=6)
    executor.observe([NAME])
    assert server.count("GET", "/events") == 0, "in its first moments every container is being created"
    clock.advance(minutes=1)
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.reason) == (Phase.PENDING, "FailedMount")
    assert "Unable to attach or mount volumes: unmounted volumes=[data]" in str(seen.message)


def test_what_is_said_of_a_job_that_waits_does_not_change_at_each_look(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    told = set()
    for count in range(20):
        nodes = {**scheduled(), "status": "False", "reason": "Unschedulable", "message": f"0/{count} nodes"}
        server.put("pods", pod_of(server.jobs()[NAME], conditions=[nodes]))
        clock.advance(seconds=6)
        told.add(executor.observe([NAME])[NAME].message)
    assert len(told) <= 4


def test_a_quota_keeps_a_job_waiting_and_says_so(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    uid = server.jobs()[NAME]["metadata"]["uid"]
    set_status(server, NAME, startTime=now_text())
    server.put(
        "events",
        {
            "metadata": {"name": "e", "labels": {}},
            "involvedObject": {"kind": "Job", "uid": uid},
            "reason": "FailedCreate",
            "message": "pods is forbidden: exceeded quota: gpus",
        },
    )
    clock.advance(seconds=6)
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.reason) == (Phase.PENDING, "QuotaExceeded")


def test_a_job_that_kueue_suspends_admits_and_suspends_again_is_queued_meanwhile(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    server.change("jobs", NAME, lambda job: job["spec"].update(suspend=True))
    clock.advance(days=30)
    assert seen_in(executor, Phase.PENDING, clock).reason == "Suspended"
    server.change("jobs", NAME, lambda job: job["spec"].update(suspend=False))
    begin(server, NAME)
    seen_in(executor, Phase.RUNNING, clock)
    server.change("jobs", NAME, lambda job: job["spec"].update(suspend=True))
    assert seen_in(executor, Phase.PENDING, clock).reason == "Suspended"
