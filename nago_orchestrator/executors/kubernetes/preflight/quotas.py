"""Verdicts on the namespace's ResourceQuotas: how many trials fit in at a time? Pure.

(https://kubernetes.io/docs/concepts/policy/resource-quotas/)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nago_orchestrator.domain.findings import Finding, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.preflight.answers import Listing, Object, Refused
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds, amounts

CHECK = "quota"
TO_BE_GIVEN = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
"""Where a quota counts one of these, every pod must say how much of it it takes."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many trials a quota lets in, by one of the things that it counts."""

    resource: str
    hard: str
    used: str
    at_most: int
    now: int


def quota_findings(quotas: Listing, pod: PodNeeds | None, parallelism: int) -> Iterator[Finding]:
    if isinstance(quotas, Refused):
        yield unknown(CHECK, quotas.why, "check with: kubectl describe quota")
        return
    if not quotas:
        yield ok(CHECK, "the namespace has none")
    for quota in quotas:
        name = f"{CHECK} {quota['metadata']['name']}"
        if pod is None:
            yield ok(name, _usage(quota))
        elif not counts(quota, pod):
            yield ok(name, "does not count the trials' pods")
        else:
            yield _verdict(name, quota, demand(pod), parallelism)


def counts(quota: Object, pod: PodNeeds) -> bool:
    """Whether the quota's scopes take in a trial's pod: it has requests, and a deadline of its own."""
    spec = quota.get("spec") or {}
    if {"BestEffort", "NotTerminating"} & set(spec.get("scopes") or []):
        return False
    return all(
        _is_in(expression, pod) for expression in (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    )


def _is_in(expression: Object, pod: PodNeeds) -> bool:
    scope, operator, values = expression.get("scopeName"), expression.get("operator"), expression.get("values") or []
    if scope != "PriorityClass":
        return scope not in ("BestEffort", "NotTerminating", "CrossNamespacePodAffinity")
    return {
        "In": pod.priority_class in values,
        "NotIn": pod.priority_class not in values,
        "Exists": pod.priority_class is not None,
        "DoesNotExist": pod.priority_class is None,
    }.get(str(operator), True)


def demand(pod: PodNeeds) -> dict[str, float]:
    """What one trial takes of each thing that a quota can count."""
    found = {"pods": 1.0, "count/pods": 1.0, "count/jobs.batch": 1.0}
    for resource, requested in pod.requests.items():
        found |= {f"requests.{resource}": requested, resource: requested}
    return found | {f"limits.{resource}": limit for resource, limit in pod.limits.items()}


def rooms(quota: Object, needs: Mapping[str, float]) -> list[Room]:
    status = quota.get("status") or {}
    texts = status.get("hard") or (quota.get("spec") or {}).get("hard") or {}
    hard, used = amounts(texts), amounts(status.get("used"))
    return [
        Room(
            resource,
            str(texts[resource]),
            str((status.get("used") or {}).get(resource, 0)),
            math.floor(most / needs[resource] + 1e-9),
            max(0, math.floor((most - used.get(resource, 0.0)) / needs[resource] + 1e-9)),
        )
        for resource, most in hard.items()
        if needs.get(resource)
    ]


def _verdict(name: str, quota: Object, needs: Mapping[str, float], parallelism: int) -> Finding:
    counted = (quota.get("status") or {}).get("hard") or (quota.get("spec") or {}).get("hard") or {}
    ungiven = [resource for resource in TO_BE_GIVEN if resource in counted and resource not in needs]
    if ungiven:
        kind, _, resource = ungiven[0].rpartition(".")
        return warning(
            name,
            f"counts {ungiven[0]}, and trials set no {kind} of {resource}: unless a LimitRange gives a default, "
            "every pod is refused",
            "set one in execution.kubernetes.pod_template (spec.containers[trainer].resources), "
            "or ask an administrator for a LimitRange",
        )
    tightest = min(rooms(quota, needs), key=lambda room: (room.now, room.at_most), default=None)
    if tightest is None:
        return ok(name, "counts nothing that trials take")
    return _by_room(name, tightest, parallelism)


def _by_room(name: str, room: Room, parallelism: int) -> Finding:
    what = f"{room.resource}: {room.used} of {room.hard} used"
    if not room.at_most:
        remedy = "raise the quota, or lower what a trial takes (execution.kubernetes)"
        return problem(name, f"not one trial fits into {room.resource} {room.hard}", remedy)
    remedy = f"raise the quota, or set execution.parallelism to {max(1, min(room.at_most, parallelism))}"
    if room.at_most < parallelism:
        detail = f"{what}; at most {room.at_most} of the {parallelism} parallel trials fit in, the others wait"
        return warning(name, detail, remedy)
    if room.now < parallelism:
        detail = f"{what}; there is room for {room.now} of the {parallelism} parallel trials now"
        return warning(name, detail, "wait until what uses it has ended, or raise the quota")
    return ok(name, f"{what}; the {parallelism} parallel trials fit in")


def _usage(quota: Object) -> str:
    status = quota.get("status") or {}
    used = status.get("used") or {}
    return ", ".join(f"{name} {used.get(name, 0)} of {hard}" for name, hard in (status.get("hard") or {}).items()) or (
        "counts nothing yet"
    )
