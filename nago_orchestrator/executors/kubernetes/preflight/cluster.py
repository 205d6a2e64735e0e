"""Verdicts on the access itself: which cluster, and which namespace. Pure."""

from __future__ import annotations

import re

from nago_orchestrator.domain.findings import Finding, ok, problem, warning
from nago_orchestrator.executors.kubernetes.preflight.answers import Answer

OLDEST = (1, 25)
"""Whose Jobs fail by pod failure policies and tell whether their pods are ready."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


def server_finding(where: str, version: str) -> Finding:
    """`where`: whose access it is, and the address."""
    match = _VERSION.match(version)
    found = (int(match[1]), int(match[2])) if match else (0, 0)
    where = f"{where}, Kubernetes {version}"
    if found == (0, 0) or found >= OLDEST:  # a build of one's own may tell no version
        return ok("API server", where)
    return warning(
        "API server",
        f"{where}, which is older than {OLDEST[0]}.{OLDEST[1]}",
        "upgrade the cluster: studies run, but causes of failures are less exact and unknown fields are not reported",
    )


def namespace_finding(namespace: str, found: Answer) -> Finding:
    """One that is being deleted refuses the dry run of the first Job."""
    if found is not None:
        return ok("namespace", namespace)
    remedy = "create it with kubectl create namespace, or name another in execution.kubernetes.namespace"
    return problem("namespace", f"there is no namespace {namespace}", remedy)
