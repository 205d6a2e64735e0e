"""Verdicts on the namespace's ResourceQuotas: how many trials fit in at a time? Pure.

(https://kubernetes.io/docs/concepts/policy/resource-quotas/) A quota that refuses every pod is told by the first pod.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from nago_orchestrator.domain.findings import Finding, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.preflight.answers import Listing, Object, Refused
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds, amounts

CHECK = "quota"
OF_OTHER_PODS = ("BestEffort", "NotTerminating", "CrossNamespacePodAffinity")
"""Scopes that a trial's pod is never in: it has requests and a deadline of its own."""


def quota_findings(quotas: Listing, pod: PodNeeds | None, parallelism: int) -> Iterator[Finding]:
    """Without a pod, what is used."""
    if isinstance(quotas, Refused):
        yield unknown(CHECK, quotas.why, "check with: kubectl describe quota")
        return
    if not quotas:
        yield ok(CHECK, "the namespace has none")
    for quota in quotas:
        name, status = f"{CHECK} {quota['metadata']['name']}", quota.get("status") or {}
        hard = status.get("hard") or (quota.get("spec") or {}).get("hard") or {}
        used = {resource: (status.get("used") or {}).get(resource, "0") for resource in hard}
        if pod is None:
            yield ok(name, ", ".join(f"{key} {used[key]} of {most}" for key, most in hard.items()))
        elif not _counts(quota, pod):
            yield ok(name, "does not count the trials' pods")
        else:
            yield _verdict(name, hard, used, _demand(pod), parallelism)


def _counts(quota: Object, pod: PodNeeds) -> bool:
    """Whether the quota's scopes take in a trial's pod."""
    spec = quota.get("spec") or {}
    selectors = (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    plain = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or []]
    return all(_takes_in(selector, pod.priority_class) for selector in (*plain, *selectors))


def _takes_in(selector: Object, priority_class: str | None) -> bool:
    if selector.get("scopeName") != "PriorityClass":
        return selector.get("scopeName") not in OF_OTHER_PODS
    values = selector.get("values") or []
    return {
        "In": priority_class in values,
        "NotIn": priority_class not in values,
        "Exists": priority_class is not None,
        "DoesNotExist": priority_class is None,
    }.get(str(selector.get("operator")), True)


def _demand(pod: PodNeeds) -> dict[str, float]:
    """What one trial takes of each thing that a quota can count."""
    found = {"pods": 1.0, "count/pods": 1.0, "count/jobs.batch": 1.0}
    for resource, requested in pod.requests.items():
        found |= {f"requests.{resource}": requested, resource: requested}
    return found | {f"limits.{resource}": limit for resource, limit in pod.limits.items()}


def _verdict(
    name: str, hard: Mapping[str, str], used: Mapping[str, str], needs: Mapping[str, float], parallelism: int
) -> Finding:
    most, taken = amounts(hard), amounts(used)
    counted = [resource for resource in most if needs.get(resource)]
    if not counted:
        return ok(name, "counts nothing that trials take")
    # How many trials find room now, and how many if nothing else runs.
    now, at_most, resource = min(
        (_trials(most[key] - taken.get(key, 0.0), needs[key]), _trials(most[key], needs[key]), key) for key in counted
    )
    what = f"{resource}: {used[resource]} of {hard[resource]} used"
    if not at_most:
        remedy = "raise the quota, or lower what a trial takes (execution.kubernetes)"
        return problem(name, f"not one trial fits into {resource} {hard[resource]}", remedy)
    if at_most < parallelism:
        detail = f"{what}; at most {at_most} of the {parallelism} parallel trials fit in, the others wait"
        return warning(name, detail, f"raise the quota, or set execution.parallelism to {at_most}")
    if now < parallelism:
        detail = f"{what}; there is room for {now} of the {parallelism} parallel trials now"
        return warning(name, detail, "wait until what uses it has ended, or raise the quota")
    return ok(name, f"{what}; the {parallelism} parallel trials fit in")


def _trials(amount: float, each: float) -> int:
    return max(0, math.floor(amount / each + 1e-9))
