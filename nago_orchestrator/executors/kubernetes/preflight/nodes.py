"""Verdicts on the nodes: does any offer the GPU, and how many trials have room at a time? Pure.

A namespaced Role cannot read nodes; then only what the quotas know of is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from nago_orchestrator.domain.findings import Finding, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import Listing, Object, Refused
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds, amounts

AUTOSCALER = "(none of this matters if an autoscaler adds such nodes on demand)"


def node_findings(nodes: Listing, quotas: Listing, pod: PodNeeds, parallelism: int) -> Iterator[Finding]:
    if isinstance(nodes, Refused):
        yield from _unread(nodes, quotas, pod)
        return
    for resource, count in pod.extended_resources.items():
        yield _class(resource, count, nodes, pod)
    yield _room(nodes, pod, parallelism)


def schedulable(nodes: tuple[Object, ...], pod: PodNeeds) -> list[Object]:
    """Nodes that node selector, taints and an administrator's `cordon` leave to the pod."""
    return [node for node in nodes if _lets_in(node, pod)]


def _unread(nodes: Refused, quotas: Listing, pod: PodNeeds) -> Iterator[Finding]:
    remedy = "ask an administrator, or run the doctor with a user who may list nodes"
    if not pod.extended_resources:
        yield unknown("nodes", nodes.why, remedy)
    for resource in pod.extended_resources:
        known = [
            quota["metadata"]["name"]
            for quota in (() if isinstance(quotas, Refused) else quotas)
            if f"requests.{resource}" in ((quota.get("spec") or {}).get("hard") or {})
        ]
        hint = f"; the quota {known[0]} counts {resource}" if known else ""
        yield unknown(f"GPU class {resource}", f"{nodes.why}{hint}", remedy)


def _class(resource: str, count: float, nodes: tuple[Object, ...], pod: PodNeeds) -> Finding:
    check = f"GPU class {resource}"
    offering = [node for node in nodes if _allocatable(node).get(resource)]
    if not offering:
        known = sorted({name for node in nodes for name, there in _allocatable(node).items() if "/" in name and there})
        others = f"; offered are {', '.join(known)}" if known else ""
        return problem(
            check,
            f"none of the {len(nodes)} nodes offers it{others}",
            f"install the maker's device plug-in, or name another in execution.kubernetes.gpu {AUTOSCALER}",
        )
    enough = [node for node in offering if _allocatable(node)[resource] >= count]
    fitting = schedulable(tuple(enough), pod)
    if not fitting:
        why = "their taints, or node_selector, keep the trials out" if enough else f"none of them has {count:g}"
        return problem(
            check,
            f"{len(offering)} of {len(nodes)} nodes offer it, but {why}",
            f"change execution.kubernetes (node_selector, tolerations, gpu.count) {AUTOSCALER}",
        )
    total = sum(_allocatable(node)[resource] for node in fitting)
    return ok(check, f"{total:g} on {len(fitting)} of {len(nodes)} nodes")


def _room(nodes: tuple[Object, ...], pod: PodNeeds, parallelism: int) -> Finding:
    fitting = schedulable(nodes, pod)
    room = sum(_trials_on(node, pod.requests) for node in fitting)
    needs = ", ".join(f"{name} {_shown(name, count)}" for name, count in sorted(pod.requests.items()))
    if not room:
        return problem(
            "nodes",
            f"none of the {len(nodes)} nodes has room for a trial ({needs})",
            f"lower execution.kubernetes (cpu, memory, gpu), or change node_selector and tolerations {AUTOSCALER}",
        )
    if room < parallelism:
        return warning(
            "nodes",
            f"at most {room} of the {parallelism} parallel trials have room at a time ({needs})",
            f"set execution.parallelism to {room}, or add nodes {AUTOSCALER}",
        )
    return ok("nodes", f"{len(fitting)} of {len(nodes)} take trials; empty, they have room for {room} ({needs})")


def _trials_on(node: Object, requests: Mapping[str, float]) -> int:
    there = _allocatable(node)
    room = [math.floor(there.get(name, 0.0) / count + 1e-9) for name, count in requests.items() if count]
    return min([*room, math.floor(there.get("pods", math.inf))] if "pods" in there else room, default=0)


def _allocatable(node: Object) -> dict[str, float]:
    return amounts((node.get("status") or {}).get("allocatable"))


def _lets_in(node: Object, pod: PodNeeds) -> bool:
    spec, labels = node.get("spec") or {}, node["metadata"].get("labels") or {}
    if spec.get("unschedulable") or not pod.node_selector.items() <= labels.items():
        return False
    taints = [taint for taint in spec.get("taints") or [] if taint.get("effect") != "PreferNoSchedule"]
    return all(any(_tolerates(found, taint) for found in pod.tolerations) for taint in taints)


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    return toleration.get("key") == taint.get("key") and (toleration.get("value") or "") == (taint.get("value") or "")


def _shown(name: str, count: float) -> str:
    return f"{count / 2**20:.0f}Mi" if name == "memory" else f"{count:g}"
