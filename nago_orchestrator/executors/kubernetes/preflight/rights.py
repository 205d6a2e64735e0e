"""What this program asks of an API server, and whether it may: the same list as the Role in k8s/base/access.yaml.

A test compares the two with the requests that are really made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nago_orchestrator.domain.findings import Finding, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.preflight.answers import Refused


@dataclass(frozen=True, slots=True, order=True)
class Right:
    group: str
    """Of the API; empty for the core."""
    resource: str
    """With its subresource, if any: pods/log."""
    verb: str


def _rights(group: str, resource: str, *verbs: str) -> tuple[Right, ...]:
    return tuple(Right(group, resource, verb) for verb in verbs)


FOR_STUDIES = (
    *_rights("batch", "jobs", "create", "get", "list", "watch", "delete"),
    *_rights("", "pods", "list"),
    *_rights("", "pods/log", "get"),
    *_rights("", "events", "list"),
    *_rights("", "secrets", "create", "get", "patch", "delete"),
)
"""Without one of these no study runs, or the causes of failures remain unknown."""
FOR_DOCTOR = (
    *_rights("", "resourcequotas", "list"),
    *_rights("", "persistentvolumeclaims", "get"),
    *_rights("", "serviceaccounts", "get"),
)
"""Without one of these a check has no verdict."""
TRIED = (
    *_rights("", "namespaces", "get"),
    *_rights("", "nodes", "list"),
    *_rights("", "pods", "create"),
    *_rights("kueue.x-k8s.io", "localqueues", "get"),
)
"""Tried by the doctor alone, and never granted by our Role: users who have these rights anyway get more findings."""
ROLE = (*FOR_STUDIES, *FOR_DOCTOR)
REMEDY = "apply k8s/base/access.yaml, or ask an administrator to bind this user to its Role"


def rights_findings(rights: Mapping[Right, bool | Refused], namespace: str) -> Iterator[Finding]:
    """One for each resource."""
    by_resource: dict[tuple[str, str], list[Right]] = defaultdict(list)
    for right in ROLE:
        by_resource[right.group, right.resource].append(right)
    for (group, resource), wanted in by_resource.items():
        yield _verdict(f"{resource}.{group}" if group else resource, wanted, rights, namespace)


def _verdict(name: str, wanted: list[Right], rights: Mapping[Right, bool | Refused], namespace: str) -> Finding:
    check = f"right to {name}"
    untold = [answer for right in wanted if isinstance(answer := rights.get(right, Refused("not asked")), Refused)]
    if untold:
        return unknown(check, untold[0].why, "try again, or check with: kubectl auth can-i --list")
    missing = [right.verb for right in wanted if not rights[right]]
    if not missing:
        return ok(check, f"may {', '.join(right.verb for right in wanted)}")
    detail = f"may not {', '.join(missing)} {name} in the namespace {namespace}"
    return (problem if wanted[0] in FOR_STUDIES else warning)(check, detail, REMEDY)
