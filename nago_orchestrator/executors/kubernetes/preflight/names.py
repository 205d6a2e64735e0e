"""Verdicts on what a pod only names: image, Secrets, service account, priority class. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nago_orchestrator.domain.findings import Finding, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import Answer, ClusterFacts, Refused
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds

_HOST = r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?P<tag>:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    r"(?P<digest>@[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,})?"
)
"""The grammar of github.com/distribution/reference."""
WAITS = "without it every trial waits with CreateContainerConfigError"


def name_findings(facts: ClusterFacts, pod: PodNeeds) -> Iterator[Finding]:
    yield image_finding(pod)
    for name, keys in pod.secret_keys.items():
        yield _secret(name, keys, facts.secrets.get(name))
    for name in pod.pull_secrets:
        yield _pull_secret(name, facts.secrets.get(name))
    if pod.service_account is not None:
        yield _existing(
            f"service account {pod.service_account}",
            facts.service_account,
            "create it (k8s/base/access.yaml has nago-trainer), or change execution.kubernetes.service_account",
        )
    if pod.priority_class is not None:
        yield _existing(
            f"priority class {pod.priority_class}",
            facts.priority_class,
            "let an administrator create it, or change execution.kubernetes.priority_class",
        )


def image_finding(pod: PodNeeds) -> Finding:
    match = _IMAGE.fullmatch(pod.image)
    if match is None:
        return problem("image", f"{pod.image} is no image's name", "write REGISTRY/NAME@sha256:DIGEST")
    if match["digest"]:
        return ok("image", pod.image)
    tag = match["tag"] or ":latest"
    stale = f", and a node that has an old {tag[1:]} keeps it" if pod.pull_policy == "IfNotPresent" else ""
    return warning(
        "image",
        f"{pod.image} is a tag, which may come to mean another image in mid-study{stale}",
        "give its digest in execution.kubernetes.image: NAME@sha256:...",
    )


def _secret(name: str, keys: frozenset[str], found: Answer) -> Finding:
    check = f"Secret {name}"
    if found is None:
        return problem(check, f"there is no such Secret; {WAITS}", "create it: k8s/base/secrets.example.yaml")
    if isinstance(found, Refused):
        return unknown(check, f"{found.why}; {WAITS}", f"look with: kubectl describe secret {name}")
    missing = sorted(keys - (found.get("data") or {}).keys())
    if missing:
        return problem(check, f"has no key {', '.join(missing)}; {WAITS}", f"add the key to the Secret {name}")
    return ok(check, f"has {', '.join(sorted(keys)) or 'been found'}")


def _pull_secret(name: str, found: Answer) -> Finding:
    check, kinds = f"pull secret {name}", ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
    if found is None:
        return problem(
            check,
            "there is no such Secret: an image that asks for a password cannot be pulled",
            f"create it: kubectl create secret docker-registry {name} ...",
        )
    if isinstance(found, Refused):
        return unknown(check, found.why, f"look with: kubectl describe secret {name}")
    if found.get("type") not in kinds:
        remedy = f"create it anew: kubectl create secret docker-registry {name} ..."
        return problem(check, f"is of the type {found.get('type')}, which holds no registry's password", remedy)
    return ok(check, str(found["type"]))


def _existing(check: str, found: Answer, remedy: str) -> Finding:
    if found is None:
        return problem(check, "there is none of that name: the cluster refuses the trials' pods", remedy)
    if isinstance(found, Refused):
        return unknown(check, found.why, f"look with: kubectl get {check.rpartition(' ')[0].replace(' ', '')}s")
    return ok(check, "exists")
