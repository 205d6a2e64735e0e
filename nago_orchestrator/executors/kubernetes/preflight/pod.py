"""What a trial's pod needs of its cluster, read off the Job as it would be sent: the study's pod template included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nago_orchestrator.executors.kubernetes.manifest.labels import SECRET
from nago_orchestrator.executors.kubernetes.manifest.objects import CONTAINER
from nago_orchestrator.executors.kubernetes.manifest.quantities import quantity
from nago_orchestrator.executors.kubernetes.preflight.answers import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class PodNeeds:
    image: str
    """The trainer's."""
    pull_policy: str
    requests: Mapping[str, float]
    limits: Mapping[str, float]
    """Of what all containers have a limit."""
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


def needs_of(job: Object, database_secret: tuple[str, str]) -> PodNeeds:
    """`database_secret`: name and key of what the attempt's own Secret is made of.

    Init containers are left out: they are done before the trainer begins.
    """
    spec = job["spec"]["template"]["spec"]
    trainer = next(found for found in spec["containers"] if found["name"] == CONTAINER)
    resources = [found.get("resources") or {} for found in spec["containers"]]
    limits = [amounts(found.get("limits")) for found in resources]
    # A limit alone is requested, too.
    requests = [{**limit, **amounts(found.get("requests"))} for limit, found in zip(limits, resources, strict=True)]
    return PodNeeds(
        image=str(trainer.get("image") or ""),
        pull_policy=trainer.get("imagePullPolicy") or "IfNotPresent",
        requests=_total(requests),
        limits={name: sum(limit[name] for limit in limits) for name in set.intersection(*map(set, limits))},
        claims=dict(_claims(spec)),
        secret_keys=_secret_keys([database_secret, *_secret_references(spec)], own=_own_secret(job)),
        pull_secrets=tuple(found["name"] for found in spec.get("imagePullSecrets") or []),
        mount_paths=tuple(found["mountPath"] for found in trainer.get("volumeMounts") or []),
        node_selector=spec.get("nodeSelector") or {},
        tolerations=tuple(spec.get("tolerations") or []),
        priority_class=spec.get("priorityClassName"),
        service_account=spec.get("serviceAccountName"),
    )


def amounts(values: Mapping[str, Any] | None) -> dict[str, float]:
    """By resource. What is no quantity is left out: the API server says what is wrong with it."""
    found = {}
    for name, value in (values or {}).items():
        try:
            found[name] = quantity(value)
        except ValueError:
            continue
    return found


def _total(parts: list[dict[str, float]]) -> dict[str, float]:
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


def _own_secret(job: Object) -> str | None:
    found: str | None = (job["metadata"].get("annotations") or {}).get(SECRET)
    return found


def _secret_keys(references: Iterable[tuple[str, str | None]], *, own: str | None) -> dict[str, frozenset[str]]:
    """Without the attempt's own, which is made with the Job."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, key in references:
        if name == own:
            continue
        found[name] |= {key} if key is not None else set()
    return {name: frozenset(keys) for name, keys in found.items()}


def _secret_references(spec: Object) -> Iterator[tuple[str, str | None]]:
    """Name and key of what is not optional; without a key where all of a Secret is read."""
    for container in spec["containers"]:
        for variable in container.get("env") or []:
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if reference is not None and not reference.get("optional"):
                yield reference["name"], reference["key"]
        for source in container.get("envFrom") or []:
            if "secretRef" in source and not source["secretRef"].get("optional"):
                yield source["secretRef"]["name"], None
    for volume in spec.get("volumes") or []:
        secret = volume.get("secret")
        if secret is not None and not secret.get("optional"):
            yield secret["secretName"], None
            yield from ((secret["secretName"], item["key"]) for item in secret.get("items") or [])
