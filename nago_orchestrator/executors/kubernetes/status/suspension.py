"""Whether a pod was ended because its Job was suspended, which is how Kueue pre-empts. Pure.

A suspended Job's pods are terminated, and once it goes on it gets others. Its condition `Suspended` says since when it
is suspended or, with the status False, since when it is no longer.
(https://kubernetes.io/docs/concepts/workloads/controllers/job/#suspending-a-job, Kubernetes 1.24)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nago_orchestrator.executors.kubernetes.manifest.objects import condition, parse_time


def is_suspended(job: Mapping[str, Any]) -> bool:
    """Also until the Job controller has seen that it is no longer: start and pods are still those of before."""
    return bool((job.get("spec") or {}).get("suspend")) or condition(job, "Suspended") is not None


def is_suspended_away(job: Mapping[str, Any], pod: Mapping[str, Any] | None) -> bool:
    """`pod`: of the Job, ended or gone. Of a Job that goes on, a pod that is gone is not known, and not meant."""
    if is_suspended(job):
        return True
    resumed = parse_time((condition(job, "Suspended", "False") or {}).get("lastTransitionTime"))
    created = None if pod is None else parse_time(pod["metadata"].get("creationTimestamp"))
    return resumed is not None and created is not None and created < resumed
