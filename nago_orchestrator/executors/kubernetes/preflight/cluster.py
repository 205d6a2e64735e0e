"""Verdicts on the access itself: which cluster, which namespace, and whether it takes the study's Job. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nago_orchestrator.domain.findings import Finding, ok, problem, warning
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import ClusterFacts, Refused

OLDEST = (1, 25)
"""Whose Jobs fail by pod failure policies and tell whether their pods are ready."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


def cluster_findings(facts: ClusterFacts) -> Iterator[Finding]:
    yield _server(facts)
    yield _namespace(facts)


def job_finding(facts: ClusterFacts, name: str) -> Finding:
    """What the API server says to the first Job, which it was asked to check and not to keep."""
    if facts.job_refused is None:
        return ok("first Job", f"the API server would accept {name}")
    return problem(
        "first Job",
        f"the API server refuses it: {facts.job_refused.why}",
        "mend what its words name: execution.kubernetes in the study file, or the namespace",
    )


def _server(facts: ClusterFacts) -> Finding:
    where = f"{facts.source}, {facts.host}, Kubernetes {facts.version}"
    match = _VERSION.match(facts.version)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version == (0, 0) or version >= OLDEST:  # a build of one's own may tell no version
        return ok("API server", where)
    return warning(
        "API server",
        f"{where}, which is older than {OLDEST[0]}.{OLDEST[1]}",
        "upgrade the cluster: studies run, but causes of failures are told less exactly",
    )


def _namespace(facts: ClusterFacts) -> Finding:
    if facts.namespace_object is None:
        return problem(
            "namespace",
            f"there is no namespace {facts.namespace}",
            "create it with kubectl create namespace, or name another in execution.kubernetes.namespace",
        )
    if isinstance(facts.namespace_object, Refused):
        return ok("namespace", f"{facts.namespace}, by {facts.source}")
    if (facts.namespace_object.get("status") or {}).get("phase") == "Terminating":
        return problem("namespace", f"{facts.namespace} is being deleted", "wait for its end and create it again")
    return ok("namespace", facts.namespace)
