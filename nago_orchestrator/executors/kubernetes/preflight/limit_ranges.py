"""Verdicts on the namespace's LimitRanges: would they change or refuse a trial's pod? Pure.

(https://kubernetes.io/docs/concepts/policy/limit-range/)
"""

from __future__ import annotations

from collections.abc import Iterator

from nago_orchestrator.domain.findings import Finding, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import Listing, Object, Refused
from nago_orchestrator.executors.kubernetes.preflight.pod import Container, PodNeeds, amounts

CHECK = "limit range"


def limit_range_findings(ranges: Listing, pod: PodNeeds | None) -> Iterator[Finding]:
    """Only those of containers are looked at: a trial's pod has hardly more than one."""
    if isinstance(ranges, Refused):
        yield unknown(CHECK, ranges.why, "look with: kubectl describe limitranges")
        return
    if not ranges:
        yield ok(CHECK, "the namespace has none")
    for found in ranges:
        name = f"{CHECK} {found['metadata']['name']}"
        verdicts = [] if pod is None else list(_verdicts(name, found, pod))
        yield from verdicts or [ok(name, "lets a trial's pod be as it is")]


def default_limit(ranges: Listing, resource: str) -> float | None:
    """The limit that a container gets which has none of its own."""
    for item in _items(() if isinstance(ranges, Refused) else ranges):
        given = {**amounts(item.get("max")), **amounts(item.get("default"))}
        if resource in given:
            return given[resource]
    return None


def _items(ranges: tuple[Object, ...]) -> Iterator[Object]:
    for found in ranges:
        yield from (item for item in (found.get("spec") or {}).get("limits") or [] if item.get("type") == "Container")


def _verdicts(name: str, found: Object, pod: PodNeeds) -> Iterator[Finding]:
    for item in _items((found,)):
        for container in pod.containers:
            for why in (*_too_much(item, container), *_too_little(item, container)):
                yield problem(name, f"refuses the pod: {why}", _REMEDY)
            yield from _given(name, item, container)


_REMEDY = "change execution.kubernetes (memory, cpu, shared_memory), or let an administrator raise the LimitRange"


def _too_much(item: Object, container: Container) -> Iterator[str]:
    limits = {**amounts(item.get("max")), **amounts(item.get("default")), **container.limits}
    for resource, most in amounts(item.get("max")).items():
        if container.limits.get(resource, 0.0) > most:
            yield f"{container.name} is limited to more {resource} than its max {item['max'][resource]}"
    for resource, limit in limits.items():
        if resource not in container.limits and container.requests.get(resource, 0.0) > limit:
            yield f"{container.name} requests more {resource} than the limit that it would be given"
    for resource, ratio in amounts(item.get("maxLimitRequestRatio")).items():
        requested = container.requests.get(resource, 0.0)
        if requested and limits.get(resource, 0.0) / requested > ratio:
            yield f"{container.name} has a limit of {resource} above {ratio:g} times its request"


def _too_little(item: Object, container: Container) -> Iterator[str]:
    for resource, least in amounts(item.get("min")).items():
        if container.requests.get(resource, 0.0) < least:
            yield f"{container.name} requests less {resource} than its min {item['min'][resource]}"


def _given(name: str, item: Object, container: Container) -> Iterator[Finding]:
    given = {**(item.get("max") or {}), **(item.get("default") or {})}
    if "cpu" in given and "cpu" not in container.limits:
        yield warning(
            name,
            f"limits {container.name} to {given['cpu']} CPU, which slows training down even on an idle node",
            "let an administrator lift the limit of CPU for this namespace, or set execution.threads accordingly",
        )
