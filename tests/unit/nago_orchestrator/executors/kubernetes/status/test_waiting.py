"""What a Job that has not begun waits for, and which clock that spends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.manifest.settings import WaitLimits
from nago_orchestrator.executors.kubernetes.status.waiting import Clock, Waiting, given_up, limit_of, waiting
from tests.kubernetes_access import kubernetes_settings

Object = dict[str, Any]
AT = "2026-01-01T00:00:05Z"
MOMENT = datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)


def job(**spec: Any) -> Object:
    return {"metadata": {"uid": "u1", "creationTimestamp": AT}, "spec": spec, "status": {"active": 1, "startTime": AT}}


def pod(phase: str = "Pending", *, deleted: str | None = None, **status: Any) -> Object:
    metadata = {"creationTimestamp": AT, **({"deletionTimestamp": deleted} if deleted else {})}
    return {"metadata": metadata, "spec": {}, "status": {"phase": phase, **status}}


def scheduled(status: str = "True", reason: str = "") -> list[Object]:
    return [
        {"type": "PodScheduled", "status": status, "reason": reason, "message": "0/3 nodes", "lastTransitionTime": AT}
    ]


def container(reason: str, message: str = "", kind: str = "containerStatuses") -> Object:
    found = pod(conditions=scheduled())
    found["status"][kind] = [{"name": "trainer", "state": {"waiting": {"reason": reason, "message": message}}}]
    return found


def refused(message: str) -> list[Object]:
    return [
        {"reason": "FailedCreate", "message": "older", "lastTimestamp": "2025-01-01T00:00:00Z"},
        {"reason": "FailedCreate", "message": message, "lastTimestamp": AT},
        {"reason": "SuccessfulCreate", "message": "no", "lastTimestamp": "2027-01-01T00:00:00Z"},
    ]


QUOTA = 'pods "x" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: 2, limited: 2'
PSA = 'pods "x" is forbidden: violates PodSecurity "restricted:latest"'
WEBHOOK = 'Internal error occurred: failed calling webhook "m.k8s.io": forbidden'
CASES: dict[str, tuple[list[Object], list[Object], Clock, str]] = {
    "no pod yet": ([], [], Clock.CONTAINER, "NoPod"),
    "quota": ([], refused(QUOTA), Clock.QUOTA, "QuotaExceeded"),
    "refused for good": ([], refused(PSA), Clock.AT_ONCE, "PodRefused"),
    "a webhook that is down": ([], refused(WEBHOOK), Clock.CONTAINER, "PodRefused"),
    "not scheduled yet": ([pod()], [], Clock.UNSCHEDULABLE, "Unscheduled"),
    "unschedulable": ([pod(conditions=scheduled("False", "Unschedulable"))], [], Clock.UNSCHEDULABLE, "Unschedulable"),
    "gated": ([pod(conditions=scheduled("False", "SchedulingGated"))], [], Clock.NONE, "SchedulingGated"),
    "being made": ([pod(conditions=scheduled())], [], Clock.CONTAINER, "ContainerCreating"),
    "statuses are null": (
        [pod(conditions=scheduled(), containerStatuses=None)],
        [],
        Clock.CONTAINER,
        "ContainerCreating",
    ),
    "creating": ([container("ContainerCreating")], [], Clock.CONTAINER, "ContainerCreating"),
    "first pull failed": ([container("ErrImagePull", "not found")], [], Clock.IMAGE, "ErrImagePull"),
    "pulling again": ([container("ImagePullBackOff")], [], Clock.IMAGE, "ImagePullBackOff"),
    "the init container's image": (
        [container("ImagePullBackOff", kind="initContainerStatuses")],
        [],
        Clock.IMAGE,
        "ImagePullBackOff",
    ),
    "too many pulls": ([container("ErrImagePull", "pull QPS exceeded")], [], Clock.CONTAINER, "ErrImagePull"),
    "no such name": ([container("InvalidImageName")], [], Clock.AT_ONCE, "InvalidImageName"),
    "never pulled": ([container("ErrImageNeverPull")], [], Clock.AT_ONCE, "ErrImageNeverPull"),
    "no such Secret": (
        [container("CreateContainerConfigError", 'secret "nago" not found')],
        [],
        Clock.AT_ONCE,
        "CreateContainerConfigError",
    ),
    "a Secret that is late": (
        [container("CreateContainerConfigError", "failed to sync secret cache: timed out")],
        [],
        Clock.CONTAINER,
        "CreateContainerConfigError",
    ),
    "the runtime fails": ([container("CreateContainerError", "boom")], [], Clock.CONTAINER, "CreateContainerError"),
    "terminating": ([pod("Running", deleted=AT)], [], Clock.TERMINATING, "Terminating"),
}


@pytest.mark.parametrize(("pods", "events", "clock", "reason"), CASES.values(), ids=CASES.keys())
def test_what_it_waits_for(pods: list[Object], events: list[Object], clock: Clock, reason: str) -> None:
    found = waiting(job(), pods, events)
    assert found is not None
    assert (found.clock, found.reason) == (clock, reason)
    assert found.message
    assert found.since in (None, MOMENT)


@pytest.mark.parametrize("phase", ["Running", "Succeeded", "Failed"])
def test_a_pod_that_has_begun_waits_for_nothing(phase: str) -> None:
    assert waiting(job(), [pod(phase)], []) is None


@pytest.mark.parametrize("pods", [[], [pod("Running")], [pod("Running", deleted=AT)]])
def test_a_suspended_job_is_queued_whatever_its_pods_do(pods: list[Object]) -> None:
    found = waiting(job(suspend=True), pods, [])
    assert found is not None
    assert limit_of(found.clock, kubernetes_settings().wait_limits) is None


def test_a_replaced_pod_is_not_looked_at() -> None:
    new = pod("Running")
    new["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z"
    assert waiting(job(), [pod("Running", deleted=AT), new], []) is None


def test_every_clock_has_its_own_limit() -> None:
    limits = WaitLimits(unschedulable=timedelta(1), quota=timedelta(2), image=timedelta(3), container=timedelta(4))
    found = [limit_of(clock, limits) for clock in Clock]
    assert found == [None, *(timedelta(days) for days in (1, 2, 3, 4)), timedelta(minutes=5), timedelta(0)]


@pytest.mark.parametrize(
    ("clock", "message", "failure"),
    [
        (Clock.AT_ONCE, "secret not found", Failure.DEFECT),
        (Clock.IMAGE, "registry/x: not found", Failure.DEFECT),
        (Clock.IMAGE, "pull access denied", Failure.DEFECT),
        (Clock.IMAGE, "dial tcp: i/o timeout", Failure.INFRASTRUCTURE),
        (Clock.UNSCHEDULABLE, "0/3 nodes", Failure.INFRASTRUCTURE),
        (Clock.QUOTA, "exceeded", Failure.INFRASTRUCTURE),
        (Clock.CONTAINER, "volume not found", Failure.INFRASTRUCTURE),
        (Clock.TERMINATING, "gone", Failure.INFRASTRUCTURE),
    ],
)
def test_what_was_waited_for_in_vain_is_a_defect_only_if_it_will_not_change(
    clock: Clock, message: str, failure: Failure
) -> None:
    assert given_up(Waiting(clock=clock, reason="R", message=message)).failure is failure
