"""Why an attempt's Job has not begun to train: from the Job, its pods and its events. Pure.

Each kind of waiting has a clock of its own, because limits differ: a full cluster may take a day, an image that cannot
be pulled will hardly appear after five minutes, and a wrong configuration does not correct itself at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.exit_causes import Cause
from nago_orchestrator.executors.kubernetes.manifest.objects import condition, newest, parse_time
from nago_orchestrator.executors.kubernetes.manifest.settings import WaitLimits
from nago_orchestrator.executors.kubernetes.status.suspension import is_suspended


class Clock(StrEnum):
    NONE = "none"
    """Somebody else decides when it begins, e.g. Kueue: there is no limit."""
    UNSCHEDULABLE = "unschedulable"
    QUOTA = "quota"
    IMAGE = "image"
    CONTAINER = "container"
    TERMINATING = "terminating"
    """Its pod was asked to end and does not: the node is out of reach."""
    AT_ONCE = "at once"
    """Waiting would not help."""


TERMINATING_LIMIT = timedelta(minutes=5)
"""Beyond the pod's own grace period."""
USUAL_CREATION = timedelta(seconds=20)
"""Of a container, unless its image has to be pulled."""
IMAGE_TROUBLE = frozenset({"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"})
HOPELESS = frozenset({"InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"})
CREATING = "ContainerCreating"
TRANSIENT = ("failed to sync", "timed out waiting", "pull qps exceeded")
"""Said of transient troubles, whatever the reason beside them."""
POD_TROUBLES = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox"})
"""Reasons of events: why a container is not created. A pod's status does not say so.
(https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/)"""
NO_SUCH_IMAGE = ("not found", "manifest unknown", "denied", "unauthorized", "authentication required")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    clock: Clock
    reason: str
    message: str
    since: datetime | None = None
    """As far as the cluster says."""


def waiting(
    job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]
) -> Waiting | None:
    """What a Job that is not over waits for; None if its trainer runs."""
    if is_suspended(job):
        return Waiting(clock=Clock.NONE, reason="Suspended", message="the Job is queued")
    pod = newest(pods)
    if pod is None:
        return _without_pod(job, events)
    deleted_at = parse_time(pod["metadata"].get("deletionTimestamp"))
    if deleted_at is not None:
        message = "its pod was asked to end and has not ended yet"
        return Waiting(clock=Clock.TERMINATING, reason="Terminating", message=message, since=deleted_at)
    phase = (pod.get("status") or {}).get("phase")
    return None if phase in ("Running", "Succeeded", "Failed") else _pending(pod, events)


def is_created_slowly(pod: Mapping[str, Any] | None, now: datetime) -> bool:
    """Whether a node took the pod a while ago, and nothing in its status says why its container does not start."""
    if pod is None or (pod.get("status") or {}).get("phase") != "Pending":
        return False
    found = _pending(pod, [])
    return found.reason == CREATING and found.since is not None and now >= found.since + USUAL_CREATION


def _latest(events: Sequence[Mapping[str, Any]], reasons: Collection[str]) -> Mapping[str, Any] | None:
    told = [event for event in events if event.get("reason") in reasons]
    return max(told, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "", default=None)


def _without_pod(job: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Waiting:
    since = parse_time((job.get("status") or {}).get("startTime") or job["metadata"].get("creationTimestamp"))
    latest = _latest(events, {"FailedCreate"})
    if latest is None:
        message = "the cluster has not created a pod for the Job"
        return Waiting(clock=Clock.CONTAINER, reason="NoPod", message=message, since=since)
    return pod_refusal(latest.get("message") or "", since)


def pod_refusal(message: str, since: datetime | None) -> Waiting:
    """The API server does not let the pod, or the Job, be created."""
    text = " ".join(message.split())
    if "exceeded quota" in text:
        return Waiting(
            clock=Clock.QUOTA, reason="QuotaExceeded", message=f"the namespace's quota is used up: {text}", since=since
        )
    # A webhook that does not answer may do so later.
    final = "forbidden" in text and "webhook" not in text
    clock = Clock.AT_ONCE if final else Clock.CONTAINER
    return Waiting(clock=clock, reason="PodRefused", message=f"the cluster refuses the pod: {text}", since=since)


def _pending(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Waiting:
    unscheduled = condition(pod, "PodScheduled", "False")
    if unscheduled is not None:
        gated = unscheduled.get("reason") == "SchedulingGated"
        return Waiting(
            clock=Clock.NONE if gated else Clock.UNSCHEDULABLE,
            reason=unscheduled.get("reason") or "Unschedulable",
            message=f"no node can take the pod: {unscheduled.get('message') or 'no reason given'}",
            since=parse_time(unscheduled.get("lastTransitionTime")),
        )
    scheduled = condition(pod, "PodScheduled")
    if scheduled is None:
        created = parse_time(pod["metadata"].get("creationTimestamp"))
        message = "the scheduler has not tried to place the pod"
        return Waiting(clock=Clock.UNSCHEDULABLE, reason="Unscheduled", message=message, since=created)
    return _container(pod, events, parse_time(scheduled.get("lastTransitionTime")))


def _container(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]], since: datetime | None) -> Waiting:
    status = pod.get("status") or {}
    statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    states = [(found.get("state") or {}).get("waiting") or {} for found in statuses]
    told = [state for state in states if state.get("reason") not in (None, "PodInitializing", CREATING)]
    if not told:
        trouble = _latest(events, POD_TROUBLES)
        message = "its container is being created"
        if trouble is None:
            return Waiting(clock=Clock.CONTAINER, reason=CREATING, message=message, since=since)
        message = f"{message}: {' '.join((trouble.get('message') or 'no reason given').split())}"
        return Waiting(clock=Clock.CONTAINER, reason=trouble["reason"], message=message, since=since)
    reason, detail = told[0]["reason"], told[0].get("message") or ""
    message = f"the container has not started ({reason})" + (f": {' '.join(detail.split())}" if detail else "")
    if any(word in detail.lower() for word in TRANSIENT):
        return Waiting(clock=Clock.CONTAINER, reason=reason, message=message, since=since)
    clock = Clock.AT_ONCE if reason in HOPELESS else Clock.IMAGE if reason in IMAGE_TROUBLE else Clock.CONTAINER
    # How long a pull took before it failed is not known: the image's clock begins when the failure is first seen.
    return Waiting(clock=clock, reason=reason, message=message, since=None if clock is Clock.IMAGE else since)


def limit_of(clock: Clock, limits: WaitLimits) -> timedelta | None:
    """None: for ever."""
    return {
        Clock.NONE: None,
        Clock.UNSCHEDULABLE: limits.unschedulable,
        Clock.QUOTA: limits.quota,
        Clock.IMAGE: limits.image,
        Clock.CONTAINER: limits.container,
        Clock.TERMINATING: TERMINATING_LIMIT,
        Clock.AT_ONCE: timedelta(0),
    }[clock]


def given_up(found: Waiting) -> Cause:
    """What to say of an attempt that waited too long."""
    if found.clock is Clock.TERMINATING:
        message = "its pod is terminating, but its node does not respond"
        return Cause(failure=Failure.INFRASTRUCTURE, reason="NodeLost", message=message)
    hopeless = found.clock is Clock.AT_ONCE
    absent = found.clock is Clock.IMAGE and any(word in found.message.lower() for word in NO_SUCH_IMAGE)
    failure = Failure.DEFECT if hopeless or absent else Failure.INFRASTRUCTURE
    return Cause(failure=failure, reason=found.reason, message=found.message)
