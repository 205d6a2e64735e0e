"""Why an attempt's Job is over, and what its trainer left: from the Job and its pods. Pure.

The Job's conditions say that it is over; its pods, while they exist, say why; once they are gone, only the Job's own
condition is left. The wording of statuses follows the Kubernetes API
(https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.exit_causes import (
    CRASH_SIGNALS,
    Cause,
    ended_by_signal,
    exit_cause,
    invalid_report,
    reported_cause,
    signal_cause,
)
from nago_orchestrator.executors.kubernetes.manifest.labels import DATA_CHECK
from nago_orchestrator.executors.kubernetes.manifest.objects import condition, newest, parse_time, trainer_status
from nago_orchestrator.executors.kubernetes.status.suspension import is_suspended_away
from nago_orchestrator.executors.kubernetes.status.termination_message import (
    TerminationMessage,
    read_termination_message,
)
from nago_trainer.contract.exit_codes import ExitCode

PREEMPTED = "Preempted"
SUSPENDED = Cause(
    failure=Failure.INTERRUPTED, reason="Suspended", message="its Job was suspended, and its pod ended by that"
)
POD_DELETED = Cause(failure=Failure.INFRASTRUCTURE, reason="PodDeleted", message="its pod was deleted")
START_FAILURES = ("StartError", "ContainerCannotRun")
DISRUPTIONS = {
    "PreemptionByScheduler": (PREEMPTED, "its pod was preempted by one of higher priority"),
    "PreemptionByKubeScheduler": (PREEMPTED, "its pod was preempted by one of higher priority"),
    "DeletionByTaintManager": ("NodeLost", "its node was tainted or does not respond"),
    "EvictionByEvictionAPI": ("Evicted", "its pod was evicted"),
    "DeletionByPodGC": ("NodeLost", "its node was removed"),
    "TerminationByKubelet": ("Evicted", "its node ran short of resources or was shut down"),
}
"""Reasons of a pod's condition DisruptionTarget."""
POD_REASONS = {
    "Evicted": "Evicted",
    "NodeLost": "NodeLost",
    "Preempting": PREEMPTED,
    "Shutdown": "NodeShutdown",
    "NodeShutdown": "NodeShutdown",
    "Terminated": "NodeShutdown",
    "NodeAffinity": "NodeRefused",
    "UnexpectedAdmissionError": "NodeRefused",
}
"""Reasons in a failed pod's status; a node that refuses for want of something says OutOf and its name."""
OUT_OF_MEMORY = "raise execution.kubernetes.memory, or lower trainer.batch_size"
OUT_OF_MEMORY_OF_CHECK = "raise execution.kubernetes.memory"
_EXIT_CODE = re.compile(r"exit code (\d+)")
_CONDITION = re.compile(r"has condition (\w+)")


def is_over(job: Mapping[str, Any]) -> bool:
    return condition(job, "Complete") is not None or condition(job, "Failed") is not None


def has_ended(pod: Mapping[str, Any] | None) -> bool:
    """Whether the pod has the status of its ended trainer, which is final."""
    return bool(_terminated(pod))


def ended(job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], *, log_tail: str | None = None) -> Observation:
    """What is known of a Job that is over. `pods` are its own; they may be gone, or have no statuses."""
    pod = newest(pods)
    terminated = _terminated(pod)
    left = read_termination_message(job, terminated)
    complete = _is_complete(job, terminated)
    reported = left.result or left.data
    cause = None if reported else _success_without_result(pod, left) if complete else _cause(job, pod, left)
    last = condition(job, "Complete") or _failed(job)
    return Observation(
        phase=Phase.ENDED,
        result=left.result,
        data=left.data,
        exit_code=_exit_code(job, terminated, complete=complete),
        failure=cause.failure if cause else None,
        reason=cause.reason if cause else None,
        message=cause.message if cause else None,
        node=_node(pod),
        uid=job["metadata"]["uid"],
        log_tail=(log_tail or left.text) if cause else None,
        started_at=parse_time(terminated.get("startedAt")),
        ended_at=_ended_at(terminated, last),
    )


def _is_complete(job: Mapping[str, Any], terminated: Mapping[str, Any]) -> bool:
    """By the Job's own word or, while it says nothing because its pod goes on without the trainer, by the exit code."""
    if condition(job, "Complete") is not None:
        return True
    return not _failed(job) and terminated.get("exitCode") == ExitCode.DONE and not terminated.get("signal")


def _failed(job: Mapping[str, Any]) -> Mapping[str, Any]:
    """The condition that says why the Job has failed, or is about to; empty without one.

    FailureTarget comes before Failed and has the same message
    (https://kubernetes.io/docs/concepts/workloads/controllers/job/#termination-of-job-pods, Kubernetes 1.31).
    """
    return condition(job, "Failed") or condition(job, "FailureTarget") or {}


def _ended_at(terminated: Mapping[str, Any], last: Mapping[str, Any]) -> datetime | None:
    return parse_time(terminated.get("finishedAt")) or parse_time(last.get("lastTransitionTime"))


def _node(pod: Mapping[str, Any] | None) -> str | None:
    return None if pod is None else (pod.get("spec") or {}).get("nodeName")


def _terminated(pod: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """How the trainer's container ended; empty if that is not known."""
    return (trainer_status(pod).get("state") or {}).get("terminated") or {}


def _exit_code(job: Mapping[str, Any], terminated: Mapping[str, Any], *, complete: bool) -> int | None:
    if "exitCode" in terminated:
        return int(terminated["exitCode"])
    if complete:
        return ExitCode.DONE
    told = _EXIT_CODE.search(_failed(job).get("message") or "")
    return int(told[1]) if told else None


def _success_without_result(pod: Mapping[str, Any] | None, left: TerminationMessage) -> Cause:
    if left.problem is not None:
        return invalid_report(left.problem)
    if pod is None:
        return Cause(
            failure=Failure.INFRASTRUCTURE,
            reason="ResultLost",
            message="the trainer succeeded, but its result is lost and its pod is gone",
        )
    return exit_cause(ExitCode.DONE)


def _cause(job: Mapping[str, Any], pod: Mapping[str, Any] | None, left: TerminationMessage) -> Cause:
    if left.problem is not None:
        return invalid_report(left.problem)
    if left.failure is not None:
        return reported_cause(left.failure)
    code = _exit_code(job, _terminated(pod), complete=False)
    by_itself = code is not None and not _is_from_outside(code)
    if not by_itself and is_suspended_away(job, pod):
        return SUSPENDED
    if pod is not None:
        cause = _disruption(pod) or _refused_by_node(pod) or _container_cause(pod)
        if cause is not None:
            return cause
    if not by_itself and pod is not None and pod["metadata"].get("deletionTimestamp") is not None:
        return POD_DELETED
    return _cause_told_by_job(_failed(job), is_gone=pod is None)


def _disruption(pod: Mapping[str, Any]) -> Cause | None:
    found = condition(pod, "DisruptionTarget")
    if found is None:
        return None
    reason, message = DISRUPTIONS.get(found.get("reason") or "", ("Disrupted", "its pod was disrupted"))
    return Cause(failure=_kind(reason), reason=reason, message=_with(message, found.get("message")))


def _kind(reason: str) -> Failure:
    """What makes room for others has not failed: that is what it is there for."""
    return Failure.INTERRUPTED if reason == PREEMPTED else Failure.INFRASTRUCTURE


def _refused_by_node(pod: Mapping[str, Any]) -> Cause | None:
    status = pod.get("status") or {}
    reason = status.get("reason") or ""
    if reason == "DeadlineExceeded":
        return _deadline()
    known = POD_REASONS.get(reason) or ("NodeRefused" if reason.startswith("OutOf") else None)
    if known is None:
        return None
    message = _with(f"its node terminated or refused its pod ({reason})", status.get("message"))
    return Cause(failure=_kind(known), reason=known, message=message)


def _deadline() -> Cause:
    return Cause(
        failure=Failure.DEFECT,
        reason="DeadlineExceeded",
        message="the attempt took longer than execution.kubernetes.deadline",
    )


def _container_cause(pod: Mapping[str, Any]) -> Cause | None:
    terminated = _terminated(pod)
    if "exitCode" not in terminated:
        return None
    code, reason = int(terminated["exitCode"]), terminated.get("reason")
    signalled = terminated.get("signal") or ended_by_signal(code)
    # Before all else: at the end of its grace a pod is killed (137), which may look like want of memory.
    if _is_deleted_before_its_end(pod, terminated) and (signalled or code == ExitCode.PREEMPTED):
        return POD_DELETED
    if reason == "OOMKilled":
        advice = OUT_OF_MEMORY_OF_CHECK if DATA_CHECK in (pod["metadata"].get("labels") or {}) else OUT_OF_MEMORY
        message = f"the trainer exceeded its container's memory limit: {advice}"
        return Cause(failure=Failure.DEFECT, reason="OOMKilled", message=message)
    if reason in START_FAILURES:
        message = _with("the trainer's container could not be started", terminated.get("message"))
        return Cause(failure=Failure.DEFECT, reason="StartError", message=message)
    if reason == "Unknown":  # what containerd says of containers that are gone when it starts
        message = "its node was restarted, and its container was lost"
        return Cause(failure=Failure.INFRASTRUCTURE, reason="NodeLost", message=message)
    if reason == "ContainerStatusUnknown":
        return Cause(failure=Failure.INFRASTRUCTURE, reason="PodLost", message="its node lost the status of the pod")
    if signalled:
        return signal_cause(signalled)
    # A container that ended well does not explain why its Job failed.
    return None if code == ExitCode.DONE else exit_cause(code)


def _is_from_outside(code: int) -> bool:
    number = ended_by_signal(code)
    return code == ExitCode.PREEMPTED or (number is not None and number not in CRASH_SIGNALS)


def _is_deleted_before_its_end(pod: Mapping[str, Any], terminated: Mapping[str, Any]) -> bool:
    """Of a pod with a time of deletion, which is that of the request and the grace together."""
    until = parse_time(pod["metadata"].get("deletionTimestamp"))
    finished = parse_time(terminated.get("finishedAt"))
    if until is None or finished is None:
        return until is not None
    grace = pod["metadata"].get("deletionGracePeriodSeconds")
    return grace is None or finished >= until - timedelta(seconds=grace)


def _cause_told_by_job(failed: Mapping[str, Any], *, is_gone: bool) -> Cause:
    """`is_gone`: the pod. One that ends by itself stays as long as its Job: this one was deleted."""
    reason, message = failed.get("reason") or "", failed.get("message") or ""
    if reason == "DeadlineExceeded":
        return _deadline()
    if reason == "PodFailurePolicy" and "DisruptionTarget" in _CONDITION.findall(message):
        return Cause(
            failure=Failure.INFRASTRUCTURE, reason="Disrupted", message=_with("its pod was disrupted", message)
        )
    code = _EXIT_CODE.search(message)
    if reason == "PodFailurePolicy" and code and int(code[1]) != ExitCode.DONE:
        deleted = is_gone and _is_from_outside(int(code[1]))
        return POD_DELETED if deleted else exit_cause(int(code[1]))
    lost = _with("its pod disappeared without a status", message)
    return Cause(failure=Failure.INFRASTRUCTURE, reason="PodLost", message=lost)


def _with(message: str, detail: str | None) -> str:
    return f"{message}: {' '.join(detail.split())}" if detail else message
