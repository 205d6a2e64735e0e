"""Plays a recent cluster for `tests.api_server`: what kubelet and Job controller do when pods end, or are made to.

Older clusters are played by `tests.job_controller`. Each step names the version since which it is so by default, and
the page that says so; the anchors are of https://kubernetes.io/docs/concepts/workloads/controllers/job/ if no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.api_server import ApiServer, Object, now_text
from tests.job_controller import pod_of, scheduled

TRACKED = "batch.kubernetes.io/job-tracking"
"""1.26, #job-tracking-with-finalizers: a Job's pod has it until the Job has counted the pod."""
POLICY = "PodFailurePolicy"
COMPLETED = "Reached expected number of succeeded pods"
"""1.31; earlier clusters give neither reason nor message."""
SIDECAR = {"name": "mesh", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "ready": True}
GRACE_SECONDS = 60


def run_pod(server: ApiServer, name: str, *, sidecar: bool = False, pod: str = "x7k2p") -> None:
    """The Job's pod runs and is ready, which the Job counts (1.24, `status.ready`)."""
    state = {"running": {"startedAt": now_text()}}
    statuses = [{"name": "trainer", "state": state, "containerID": "containerd://1", "ready": True}]
    made = pod_of(server.jobs()[name], phase="Running", conditions=[scheduled()])
    made["status"]["containerStatuses"] = [*statuses, *([SIDECAR] if sidecar else [])]
    made["metadata"].update(name=f"{name}-{pod}", finalizers=[TRACKED])
    server.put("pods", made)
    update(server, name, active=1, ready=1, terminating=0, startTime=now_text())


def delete_pod(server: ApiServer, name: str) -> None:
    """`kubectl delete pod`: it stays, with a time of deletion that includes its grace, until its containers have ended.

    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination. The Job counts it as terminating
    (1.29, #pod-replacement-policy).
    """
    until = datetime.now(UTC) + timedelta(seconds=GRACE_SECONDS)
    going = {"deletionTimestamp": until.strftime("%Y-%m-%dT%H:%M:%SZ"), "deletionGracePeriodSeconds": GRACE_SECONDS}
    server.change("pods", pod_name(server, name), lambda pod: pod["metadata"].update(going))
    update(server, name, active=0, ready=0, terminating=1)


def evict_pod(server: ApiServer, name: str) -> None:
    """A drain: the pod gets its condition before it is deleted.

    1.26, https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
    """
    disrupt(server, name, "EvictionByEvictionAPI", "Eviction API: evicting")
    delete_pod(server, name)


def disrupt(server: ApiServer, name: str, reason: str, message: str) -> None:
    told = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
    server.change("pods", pod_name(server, name), lambda pod: pod["status"]["conditions"].append(told))


def end_trainer(server: ApiServer, name: str, *, code: int = 0, **terminated: Any) -> None:
    """Its container ends; the pod goes on while it has others, but is ready no longer.

    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
    """
    state = {"terminated": {"exitCode": code, "startedAt": now_text(), "finishedAt": now_text(), **terminated}}

    def end(pod: Object) -> None:
        trainer, *others = pod["status"]["containerStatuses"]
        ended = {**trainer, "state": state, "ready": False}
        phase = "Running" if others else "Failed" if code else "Succeeded"
        pod["status"].update(containerStatuses=[ended, *others], phase=phase)

    server.change("pods", pod_name(server, name), end)
    update(server, name, ready=0)


def fail_job(server: ApiServer, name: str, *, code: int, disrupted: bool = False) -> Iterator[None]:
    """The Job controller sees a pod that has failed. Each step of the iterator is one write of it.

    First comes FailureTarget (1.26 with a pod failure policy, #pod-failure-policy), and the pod is still there. Then
    its finalizer is removed (1.26, #job-tracking-with-finalizers), and with it a pod that was deleted. Failed comes
    last (1.31, #termination-of-job-pods).
    """
    pod = pod_name(server, name)
    message = f"Container trainer for pod research/{pod} failed with exit code {code} matching FailJob rule at index 1"
    if disrupted:
        message = f"Pod research/{pod} has condition DisruptionTarget matching FailJob rule at index 0"
    add_condition(server, name, "FailureTarget", reason=POLICY, message=message)
    yield
    release(server, pod)
    yield
    update(server, name, active=0, ready=0, terminating=0, failed=1)
    add_condition(server, name, "Failed", reason=POLICY, message=message)
    yield


def complete_job(server: ApiServer, name: str) -> Iterator[None]:
    """As `fail_job`, of a pod that succeeded: SuccessCriteriaMet comes first (1.31, #termination-of-job-pods)."""
    add_condition(server, name, "SuccessCriteriaMet", reason="CompletionsReached", message=COMPLETED)
    yield
    release(server, pod_name(server, name))
    yield
    update(server, name, active=0, ready=0, terminating=0, succeeded=1, completionTime=now_text())
    add_condition(server, name, "Complete", reason="CompletionsReached", message=COMPLETED)
    yield


def suspend_job(server: ApiServer, name: str) -> None:
    """What Kueue does to pre-empt: the pods are asked to end, the Job gets the condition (1.24, #suspending-a-job)."""
    server.change("jobs", name, lambda job: job["spec"].update(suspend=True))
    delete_pod(server, name)
    set_suspended(server, name, "True", "JobSuspended", "Job suspended", now_text())


def resume_job(server: ApiServer, name: str, at: str) -> None:
    """The condition stays, with the status False since `at`; a new pod comes (1.24, #suspending-a-job)."""
    server.change("jobs", name, lambda job: job["spec"].update(suspend=False))
    set_suspended(server, name, "False", "JobResumed", "Job resumed", at)


def set_suspended(server: ApiServer, name: str, status: str, reason: str, message: str, at: str) -> None:
    told = {"type": "Suspended", "status": status, "reason": reason, "message": message, "lastTransitionTime": at}

    def set_it(job: Object) -> None:
        others = [found for found in (job["status"].get("conditions") or []) if found["type"] != "Suspended"]
        job["status"]["conditions"] = [*others, told]

    server.change("jobs", name, set_it)


def release(server: ApiServer, pod: str) -> None:
    """The pod has been counted: without a finalizer, one that was deleted is gone."""
    server.change("pods", pod, lambda found: found["metadata"].update(finalizers=[]))


def add_condition(server: ApiServer, name: str, kind: str, *, reason: str, message: str) -> None:
    told = {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now_text()}

    def add(job: Object) -> None:
        job["status"]["conditions"] = [*(job["status"].get("conditions") or []), told]

    server.change("jobs", name, add)


def update(server: ApiServer, name: str, **status: Any) -> None:
    server.change("jobs", name, lambda job: job.setdefault("status", {}).update(status))


def pod_name(server: ApiServer, job: str) -> str:
    newest: str = max(server.pods_of(job), key=lambda pod: int(pod["metadata"]["resourceVersion"]))["metadata"]["name"]
    return newest
