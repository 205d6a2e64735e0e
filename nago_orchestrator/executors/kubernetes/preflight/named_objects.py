"""Verdicts on what a pod only names: image, claims, Secrets, service account. Pure.

No dry run of a Job looks at these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nago_orchestrator.domain.findings import Finding, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.preflight.answers import Answer, Object, Refused
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds

CLAIM, SECRET, PULL_SECRET, SERVICE_ACCOUNT = "claim", "Secret", "pull secret", "service account"
PASSWORD_TYPES = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
"""Of a Secret with which images can be pulled."""

_HOST = r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    r"(?P<digest>@[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,})?"
)
"""The grammar of github.com/distribution/reference. The API server accepts any text; the node refuses others later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    resource: str
    consequence: str
    """What becomes of the trials without it."""
    remedy: str


KINDS: Mapping[str, Kind] = {
    CLAIM: Kind(
        resource="persistentvolumeclaims",
        consequence="the trials' pods wait for it",
        remedy="create it, or name another in execution.kubernetes (data, checkpoints, prepared)",
    ),
    SECRET: Kind(
        resource="secrets",
        consequence="every trial fails with CreateContainerConfigError",
        remedy="create it: k8s/base/secrets.example.yaml",
    ),
    PULL_SECRET: Kind(
        resource="secrets",
        consequence="an image of a private registry cannot be pulled",
        remedy="create it: kubectl create secret docker-registry NAME ...",
    ),
    SERVICE_ACCOUNT: Kind(
        resource="serviceaccounts",
        consequence="the cluster refuses the trials' pods",
        remedy="create it (k8s/base/access.yaml has nago-trainer), or change execution.kubernetes.service_account",
    ),
}


def names_of(pod: PodNeeds) -> tuple[tuple[str, str], ...]:
    """Kind and name of all that the pod needs."""
    return (
        *((CLAIM, name) for name in pod.claims),
        *((SECRET, name) for name in pod.secret_keys),
        *((PULL_SECRET, name) for name in pod.pull_secrets),
        *(((SERVICE_ACCOUNT, pod.service_account),) if pod.service_account is not None else ()),
    )


def object_finding(
    kind: str, name: str, found: Answer, pod: PodNeeds, *, parallelism: int, fitting_nodes: int | None = None
) -> Finding:
    """`fitting_nodes`: that take a trial; None where nodes may not be read."""
    check, about = f"{kind} {name}", KINDS[kind]
    if found is None:
        return problem(check, f"there is none of that name: {about.consequence}", about.remedy)
    if isinstance(found, Refused):
        return unknown(check, found.why, f"check with: kubectl get {about.resource} {name}")
    if kind == CLAIM:
        return _claim(check, found, written=pod.claims[name], parallelism=parallelism, nodes=fitting_nodes)
    if kind == PULL_SECRET and found.get("type") not in PASSWORD_TYPES:
        detail = f"is of the type {found.get('type')}, which holds no password of a registry: {about.consequence}"
        return problem(check, detail, f"delete it, and {about.remedy}")
    missing = sorted(pod.secret_keys[name] - (found.get("data") or {}).keys()) if kind == SECRET else []
    if missing:
        return problem(check, f"has no key {', '.join(missing)}: {about.consequence}", f"add the key to {check}")
    return ok(check, "exists")


def _claim(check: str, claim: Object, *, written: bool, parallelism: int, nodes: int | None) -> Finding:
    """https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes"""
    status = claim.get("status") or {}
    phase = status.get("phase") or "Pending"
    modes = status.get("accessModes") or (claim.get("spec") or {}).get("accessModes") or []
    shown = ", ".join(modes) or "without an access mode"
    shared = "ReadWriteMany" in modes or ("ReadOnlyMany" in modes and not written)
    wanted = f"use a storage class with {'ReadWriteMany' if written else 'ReadOnlyMany or ReadWriteMany'}"
    if phase == "Lost":
        return problem(check, "its volume is gone", "restore the volume, or create the claim anew")
    if written and not any(mode.startswith("ReadWrite") for mode in modes):
        return problem(check, f"trials write to it, and it is {shown}", "use a claim that can be written")
    if parallelism > 1 and modes == ["ReadWriteOncePod"]:
        detail = f"{shown}: one of the {parallelism} parallel trials can have it"
        return problem(check, detail, f"{wanted}, or set execution.parallelism to 1")
    if parallelism > 1 and nodes != 1 and not shared:
        detail = f"{shown}: all {parallelism} parallel trials must run on the node that has the volume"
        return warning(check, detail, f"{wanted}, or set execution.parallelism to what one node takes")
    if phase != "Bound":
        remedy = f"see why with: kubectl describe persistentvolumeclaim {claim['metadata']['name']}"
        return warning(check, f"is {phase}, {shown}: it is bound when the first pod needs it, or never", remedy)
    return ok(check, f"{phase}, {shown}")


def image_finding(pod: PodNeeds) -> Finding:
    match = _IMAGE.fullmatch(pod.image)
    if match is None:
        return problem("image", f"{pod.image} is not the name of an image", "write REGISTRY/NAME@sha256:DIGEST")
    if match["digest"]:
        return ok("image", pod.image)
    stale = "" if pod.pull_policy == "Always" else ", and a node may have an older image of that tag"
    return warning(
        "image",
        f"{pod.image} is a tag, which may come to mean another image while the study runs{stale}",
        "give its digest in execution.kubernetes.image: NAME@sha256:...",
    )


def image_path_finding(path: str | None, pod: PodNeeds) -> Iterator[Finding]:
    """Whether `trainer.dataset.path` lies on a volume."""
    mounts = [mount for mount in pod.mount_paths if mount not in ("/tmp", "/dev/shm")]
    if path is None:
        return
    if any(path == mount or path.startswith(f"{mount.rstrip('/')}/") for mount in mounts):
        yield ok("images", f"{path}, on a volume")
        return
    yield warning(
        "images",
        f"{path} lies on no volume of the pod" + (f" (mounted: {', '.join(mounts)})" if mounts else ""),
        "give execution.kubernetes.data, unless the trainer's image holds the images",
    )
