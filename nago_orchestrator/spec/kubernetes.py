"""The section `execution.kubernetes`: how the Jobs of a study look. Read only with `execution.where: kubernetes`."""

from __future__ import annotations

from itertools import combinations
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from nago_orchestrator.spec.kubernetes_values import (
    ContainerPath,
    Environment,
    FolderOfVolume,
    ImageName,
    KeyOfSecret,
    Memory,
    ObjectName,
    PodTemplate,
    Quantity,
    ResourceName,
    Texts,
    Tolerations,
)
from nago_orchestrator.spec.scalars import Real, Seconds, Switch, Whole, known_word, wrong
from nago_orchestrator.spec.section import Section, is_study_file

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
DEFAULT_RESOURCE = "nvidia.com/gpu"


class GpuSection(Section):
    resource: ResourceName = DEFAULT_RESOURCE
    """The name by which nodes offer GPUs; for a part of one, a MIG profile such as `nvidia.com/mig-1g.10gb`."""
    count: Annotated[Whole, Field(ge=0, le=64)] = 1
    """How many each trial gets; 0 to train on CPUs."""
    claim_template: ObjectName | None = None
    """A ResourceClaimTemplate of the namespace, by which each trial gets a device of its own instead of by `resource`
    (dynamic resource allocation, Kubernetes 1.34 and newer)."""
    claim: ObjectName | None = None
    """A ResourceClaim of the namespace, whose device all trials share that run at the same time."""
    share: Annotated[Real, Field(gt=0, le=1)] = 1.0
    """The part of a whole GPU that each of them is, for the count of GPU-hours: `0.142857` for a seventh, `0.25` for a
    claim that four trials share."""

    @model_validator(mode="after")
    def _one_way_to_ask(self) -> Self:
        ways = [name for name in ("claim_template", "claim") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise wrong("has both claim_template and claim", do="keep one")
        if ways and self.count != 1:
            raise wrong(f"has {ways[0]} and count {self.count}", do="remove count: the claim says how many devices")
        if ways and "resource" in self.model_fields_set and self.resource != DEFAULT_RESOURCE:
            raise wrong(f"has {ways[0]} and resource {self.resource}", do="keep one")
        return self


class ClaimSection(Section):
    """A persistent volume claim of the namespace."""

    claim: ObjectName
    """Name of the persistent volume claim."""
    mount_path: ContainerPath
    """Where the trainer finds it."""


class DataSection(ClaimSection):
    mount_path: ContainerPath = "/data"
    """Where the trainer finds it, and where a relative `trainer.dataset.path` starts."""
    sub_path: FolderOfVolume | None = None
    """The folder of the volume that is mounted; by default all of it."""


class CheckpointsSection(ClaimSection):
    mount_path: ContainerPath = "/checkpoints"
    """Where the trainer finds it."""


class PreparedSection(ClaimSection):
    mount_path: ContainerPath = "/prepared"
    """Where the trainer finds it."""


class SecretSection(Section):
    name: ObjectName = "nago-trainer-database"
    """Name of the Secret."""
    key: KeyOfSecret = "url"
    """Its key that holds the address."""


class PatienceSection(Section):
    unschedulable: Annotated[Seconds, Field(ge=0, le=1e9)] = 86_400.0
    """How long a trial may wait for a node with room."""
    quota: Annotated[Seconds, Field(ge=0, le=1e9)] = 86_400.0
    """How long a trial may wait for the namespace's quota."""
    image: Annotated[Seconds, Field(ge=0, le=1e9)] = 300.0
    """How long pulling the image may fail."""
    container: Annotated[Seconds, Field(ge=0, le=1e9)] = 1800.0
    """How long a container may take to be there once a node was found: volumes, a large image."""


class KubernetesSection(Section):
    image: ImageName
    """The trainer's image; with its digest, every trial of the study surely runs the same."""
    image_pull_policy: Annotated[
        Literal["Always", "IfNotPresent", "Never"], BeforeValidator(known_word("policy", PULL_POLICIES))
    ] = "IfNotPresent"
    """When a node pulls the image."""
    image_pull_secrets: tuple[ObjectName, ...] = ()
    """Secrets with which the image is pulled."""
    namespace: ObjectName | None = None
    """Where the Jobs run; by default the kubeconfig's namespace, or the one that the orchestrator runs in."""
    gpu: GpuSection = GpuSection()
    """The GPUs of each trial."""
    cpu: Quantity | None = None
    """CPUs that each trial requests; by default `execution.threads`."""
    memory: Memory | None = None
    """Memory that each trial gets, request and limit; by default computed from its network, batch size and images."""
    shared_memory: Memory = "1Gi"
    """Size of /dev/shm, which lies in memory."""
    deadline: Annotated[Seconds, Field(ge=1, le=1e9)] = 21_600.0
    """Longest time of one attempt, from the moment that a node took it."""
    ttl: Annotated[Seconds, Field(ge=60, le=1e9)] = 86_400.0
    """When the cluster removes an ended Job by itself, should no orchestrator have done it."""
    data: DataSection | None = None
    """The volume that holds the images, mounted read-only."""
    checkpoints: CheckpointsSection | None = None
    """The volume that keeps what a trial needs to go on after it was interrupted."""
    prepared: PreparedSection | None = None
    """The volume for the images as trials need them, decoded and resized once."""
    node_selector: Texts = Field(default={})
    """Labels that a node must have."""
    tolerations: Tolerations = ()
    """Taints of nodes that are accepted, in Kubernetes' own form."""
    priority_class: ObjectName | None = None
    """PriorityClass of the pods."""
    queue: ObjectName | None = None
    """Kueue's LocalQueue through which the Jobs go."""
    service_account: ObjectName | None = None
    """Service account of the pods; its token is not mounted."""
    database_secret: SecretSection = SecretSection()
    """The Secret with the database's address for the trainers."""
    environment: Environment = Field(default={})
    """Further environment variables; nothing secret, which belongs into a Secret and the pod template."""
    patience: PatienceSection = PatienceSection()
    """How long a trial may wait before its attempt is given up."""
    pod_template: PodTemplate = Field(default={})
    """A pod template in Kubernetes' own form, merged over the one that is made of all the rest."""
    allow_unsafe_template: Switch = False
    """Whether what is not known to be good in `pod_template` is sent with a warning instead of being refused."""

    @model_validator(mode="after")
    def _one_place_for_each(self, info: ValidationInfo) -> KubernetesSection:
        mounted = {"data": self.data, "checkpoints": self.checkpoints, "prepared": self.prepared}
        places = [(name, PurePosixPath(each.mount_path)) for name, each in mounted.items() if each is not None]
        for (one, place), (other, same) in combinations(places, 2):
            if is_study_file(info) and place == same:
                raise wrong(f"mounts {one} and {other} at {place}", do="give each a place of its own")
        return self
