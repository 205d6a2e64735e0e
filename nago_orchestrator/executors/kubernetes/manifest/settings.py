"""How a study's Jobs are to look: the frozen values behind `manifest`, taken from the study file's section.

The section has the defaults; here there are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nago_orchestrator.spec.kubernetes import ClaimSection, GpuSection, KubernetesSection


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimMount:
    """A persistent volume claim and where the trainer finds it."""

    claim: str
    mount_path: str
    sub_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitLimits:
    """How long each kind of waiting may last before the attempt is given up; each has a clock of its own."""

    unschedulable: timedelta
    """No node has room, or none fits."""
    quota: timedelta
    """The namespace's quota leaves no room for the pod."""
    image: timedelta
    """The image cannot be pulled."""
    container: timedelta
    """A node was found, but the container is not there yet: volumes, a large image, the container runtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesSettings:
    image: str
    database_secret: SecretKey
    """Holds the database's address for the trainers."""
    namespace: str | None
    """None: that of the orchestrator's own access."""
    image_pull_policy: str
    image_pull_secrets: tuple[str, ...]
    gpu_resource: str
    gpu_count: int
    gpu_claim: Mapping[str, str] | None
    """How a pod's claim for its devices is had, in place of a resource: its template's name, or its own."""
    cpu: str | None
    """A Kubernetes quantity; None: one CPU for each thread of the trial."""
    memory: str | None
    """A Kubernetes quantity; None: computed from the trial's plan."""
    shared_memory: str
    deadline: timedelta
    """Of one attempt, from the moment that a node took its pod."""
    ttl: timedelta
    """When the cluster removes an ended Job that no orchestrator has removed."""
    data: ClaimMount | None
    checkpoints: ClaimMount | None
    prepared: ClaimMount | None = None
    """For the images as trials need them."""
    node_selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, Any], ...]
    priority_class: str | None
    queue: str | None
    """Of Kueue."""
    service_account: str | None
    environment: Mapping[str, str]
    pod_template: Mapping[str, Any]
    """Merged over the pod template that is built of all the rest."""
    allow_unsafe_template: bool
    wait_limits: WaitLimits


def settings_of(section: KubernetesSection) -> KubernetesSettings:
    return KubernetesSettings(
        image=section.image,
        database_secret=SecretKey(name=section.database_secret.name, key=section.database_secret.key),
        namespace=section.namespace,
        image_pull_policy=section.image_pull_policy,
        image_pull_secrets=section.image_pull_secrets,
        gpu_resource=section.gpu.resource,
        gpu_count=section.gpu.count,
        gpu_claim=_claim_source(section.gpu),
        cpu=section.cpu,
        memory=section.memory,
        shared_memory=section.shared_memory,
        deadline=timedelta(seconds=section.deadline),
        ttl=timedelta(seconds=section.ttl),
        data=_mount(section.data, None if section.data is None else section.data.sub_path),
        checkpoints=_mount(section.checkpoints, None),
        prepared=_mount(section.prepared, None),
        node_selector=section.node_selector,
        tolerations=section.tolerations,
        priority_class=section.priority_class,
        queue=section.queue,
        service_account=section.service_account,
        environment=section.environment,
        pod_template=section.pod_template,
        allow_unsafe_template=section.allow_unsafe_template,
        wait_limits=WaitLimits(
            unschedulable=timedelta(seconds=section.patience.unschedulable),
            quota=timedelta(seconds=section.patience.quota),
            image=timedelta(seconds=section.patience.image),
            container=timedelta(seconds=section.patience.container),
        ),
    )


def _claim_source(gpu: GpuSection) -> Mapping[str, str] | None:
    sources = {"resourceClaimTemplateName": gpu.claim_template, "resourceClaimName": gpu.claim}
    return {key: name for key, name in sources.items() if name is not None} or None


def _mount(section: ClaimSection | None, sub_path: str | None) -> ClaimMount | None:
    if section is None:
        return None
    return ClaimMount(claim=section.claim, mount_path=section.mount_path, sub_path=sub_path)
