"""What a trial's pod needs of its cluster, read off the Job as it would be sent: the study's pod template included."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nago_orchestrator.executors.kubernetes.manifest.objects import CONTAINER
from nago_orchestrator.executors.kubernetes.manifest.resources import quantity
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import Object

_SMALL = {"n": 1e-9, "u": 1e-6}
_EXPONENT = re.compile(r"[0-9.]+[eE][+-]?[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    name: str
    image: str
    requests: Mapping[str, float]
    limits: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodNeeds:
    containers: tuple[Container, ...]
    pull_policy: str
    """Of the trainer's image."""
    claims: Mapping[str, bool]
    """By name, whether the pod writes to it."""
    secret_keys: Mapping[str, frozenset[str]]
    """By the Secret's name, what of it is read; empty for all of it."""
    pull_secrets: tuple[str, ...]
    mount_paths: tuple[str, ...]
    """Of the trainer's volumes."""
    node_selector: Mapping[str, str]
    tolerations: tuple[Object, ...]
    priority_class: str | None
    service_account: str | None

    @property
    def requests(self) -> Mapping[str, float]:
        return _total(container.requests for container in self.containers)

    @property
    def image(self) -> str:
        return next(container.image for container in self.containers if container.name == CONTAINER)

    @property
    def extended_resources(self) -> Mapping[str, float]:
        """Those with a domain in their name: GPUs."""
        return {name: count for name, count in self.requests.items() if "/" in name}


def needs_of(job: Object) -> PodNeeds:
    """Init containers are left out: they are done before the trainer begins."""
    spec = job["spec"]["template"]["spec"]
    trainer = next(found for found in spec["containers"] if found["name"] == CONTAINER)
    return PodNeeds(
        containers=tuple(_container(found) for found in spec["containers"]),
        pull_policy=trainer.get("imagePullPolicy") or "IfNotPresent",
        claims=dict(_claims(spec)),
        secret_keys=_secret_keys(spec),
        pull_secrets=tuple(found["name"] for found in spec.get("imagePullSecrets") or []),
        mount_paths=tuple(found["mountPath"] for found in trainer.get("volumeMounts") or []),
        node_selector=spec.get("nodeSelector") or {},
        tolerations=tuple(spec.get("tolerations") or []),
        priority_class=spec.get("priorityClassName"),
        service_account=spec.get("serviceAccountName"),
    )


def amount(value: Any) -> float:
    """A Kubernetes quantity as a number; NaN for what is none."""
    text = str(value)
    if text[-1:] in _SMALL:
        return amount(text[:-1]) * _SMALL[text[-1]]
    try:
        return float(text) if _EXPONENT.fullmatch(text) else quantity(text)
    except ValueError:
        return float("nan")


def amounts(values: Mapping[str, Any] | None) -> dict[str, float]:
    return {name: amount(value) for name, value in (values or {}).items()}


def _container(found: Object) -> Container:
    resources = found.get("resources") or {}
    limits = amounts(resources.get("limits"))
    return Container(
        name=found["name"],
        image=str(found.get("image") or ""),
        requests={**limits, **amounts(resources.get("requests"))},  # a limit alone is requested, too
        limits=limits,
    )


def _total(parts: Iterator[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for part in parts:
        for name, count in part.items():
            found[name] += count
    return dict(found)


def _claims(spec: Object) -> Iterator[tuple[str, bool]]:
    mounts = [mount for container in spec["containers"] for mount in container.get("volumeMounts") or []]
    for volume in spec.get("volumes") or []:
        claim = volume.get("persistentVolumeClaim")
        if claim is not None:
            written = any(mount["name"] == volume["name"] and not mount.get("readOnly") for mount in mounts)
            yield claim["claimName"], written and not claim.get("readOnly")


def _secret_keys(spec: Object) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for container in spec["containers"]:
        for variable in container.get("env") or []:
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if reference is not None and not reference.get("optional"):
                found[reference["name"]].add(reference["key"])
        for source in container.get("envFrom") or []:
            if "secretRef" in source and not source["secretRef"].get("optional"):
                found[source["secretRef"]["name"]].update()
    for volume in spec.get("volumes") or []:
        secret = volume.get("secret")
        if secret is not None and not secret.get("optional"):
            found[secret["secretName"]].update(item["key"] for item in secret.get("items") or [])
    return {name: frozenset(keys) for name, keys in found.items()}
