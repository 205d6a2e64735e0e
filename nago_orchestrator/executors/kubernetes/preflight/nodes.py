"""A verdict on the nodes: how many trials have room at a time, and does any node offer the GPU? Pure.

A namespaced Role cannot read nodes; then nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from nago_orchestrator.domain.findings import Finding, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.preflight.answers import Listing, Object, Refused
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds, amounts

CHECK = "nodes"
AUTOSCALER = "(ignore this if an autoscaler adds such nodes on demand)"


def fitting_nodes(nodes: tuple[Object, ...], pod: PodNeeds) -> tuple[Object, ...]:
    """That let a trial in and have room for one."""
    return tuple(node for node in nodes if _lets_in(node, pod) and _trials_on(node, pod.requests))


def node_finding(nodes: Listing, pod: PodNeeds, parallelism: int) -> Finding:
    if isinstance(nodes, Refused):
        return unknown(CHECK, nodes.why, "ask an administrator, or run the doctor with a user who may list nodes")
    fitting = fitting_nodes(nodes, pod)
    room = sum(_trials_on(node, pod.requests) for node in fitting)
    needs = ", ".join(f"{name} {_shown(name, count)}" for name, count in sorted(pod.requests.items()))
    if not room:
        remedy = f"change execution.kubernetes (gpu, cpu, memory, node_selector, tolerations) {AUTOSCALER}"
        return problem(CHECK, f"none of the {len(nodes)} has room for a trial ({needs}){_why(nodes, pod)}", remedy)
    if room < parallelism:
        detail = f"at most {room} of the {parallelism} parallel trials have room at a time ({needs})"
        return warning(CHECK, detail, f"set execution.parallelism to {room}, or add nodes {AUTOSCALER}")
    return ok(CHECK, f"{len(fitting)} of {len(nodes)} take trials; empty, they have room for {room} ({needs})")


def _why(nodes: tuple[Object, ...], pod: PodNeeds) -> str:
    """The extended resource that no node offers, and those that are offered, if that is the reason."""
    offered = {name for node in nodes for name, count in _allocatable(node).items() if "/" in name and count}
    missing = [name for name, count in pod.requests.items() if "/" in name and count and name not in offered]
    if not missing:
        return ""
    return f": none offers {missing[0]}" + (f", offered are {', '.join(sorted(offered))}" if offered else "")


def _trials_on(node: Object, requests: Mapping[str, float]) -> int:
    there = _allocatable(node)
    needs = {"pods": 1.0, **requests} if "pods" in there else requests
    room = [math.floor(there.get(name, 0.0) / count + 1e-9) for name, count in needs.items() if count]
    return min(room, default=0)


def _allocatable(node: Object) -> dict[str, float]:
    return amounts((node.get("status") or {}).get("allocatable"))


def _lets_in(node: Object, pod: PodNeeds) -> bool:
    """As far as node selector, taints and an administrator's `cordon` go."""
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
