"""The section `execution.kubernetes`: how the Jobs of a study look. Read only with `execution.where: kubernetes`.

Words that are Kubernetes' own keep its forms: quantities such as 16Gi, tolerations and the pod template.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from nago_orchestrator.formatting.suggestions import suggestion
from nago_orchestrator.spec.scalars import (
    Seconds,
    Switch,
    Whole,
    describe,
    format_number,
    known_word,
    read_text,
    wrong,
)
from nago_orchestrator.spec.section import Section, is_study_file
from nago_trainer.contract.attempt_files import (
    ATTEMPT_VARIABLE,
    CHECKPOINTS_VARIABLE,
    DATABASE_VARIABLE,
    SCRATCH_VARIABLE,
    TERMINATION_LOG_VARIABLE,
    TOKEN_VARIABLE,
    TRIAL_VARIABLE,
)
from nago_trainer.contract.data_check import QUESTION_VARIABLE

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
TOLERATION_KEYS = frozenset({"key", "operator", "value", "effect", "tolerationSeconds"})
OWN_VARIABLES = frozenset(
    {
        ATTEMPT_VARIABLE,
        TRIAL_VARIABLE,
        TOKEN_VARIABLE,
        DATABASE_VARIABLE,
        SCRATCH_VARIABLE,
        CHECKPOINTS_VARIABLE,
        QUESTION_VARIABLE,
        "HOME",
    }
)
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?")
"""The form alone: what a quantity amounts to is read with Kubernetes' own package, which a study file does not need."""
_NOTHING = re.compile(r"0*(\.0*)?[a-zA-Z]*")
_IMAGE = re.compile(r"[^\s\x00-\x20\x7f]{1,512}")
OWN_FOLDERS = ("/tmp", "/dev")
_OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_RESOURCE = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _matching(pattern: re.Pattern[str], form: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        text = read_text(value)
        if pattern.fullmatch(text) is None:
            raise wrong(f"must be {form}, found '{text}'")
        return text

    return read


def _read_quantity(value: Any) -> str:
    text = _shortest(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else read_text(value)
    if _QUANTITY.fullmatch(text) is None:
        meant = re.fullmatch(r"([0-9.]+)\s*([KMGT]i?)B", text)
        hint = f": Kubernetes writes {meant[1]}{meant[2]}" if meant else " such as 500m, 4 or 16Gi"
        raise wrong(f"must be a Kubernetes quantity{hint}, found '{text}'")
    return text


def _shortest(number: float) -> str:
    """Without losing a digit: 2 for 2.0, and 17179869184 as it is."""
    short = f"{number:g}"
    return short if float(short) == number else str(number)


def _read_path(value: Any, info: ValidationInfo) -> str:
    text = read_text(value)
    if not text.startswith("/") or ":" in text or text == "/":
        raise wrong(f"must be an absolute path in the container, found '{text}'")
    if is_study_file(info):
        path = PurePosixPath(text)
        if ".." in path.parts:
            raise wrong(f"must be a path without .., found '{text}'")
        if any(path.is_relative_to(own) for own in OWN_FOLDERS):
            raise wrong(f"must not lie in {' or '.join(OWN_FOLDERS)}, which trainers write to, found '{text}'")
    return text


def _read_sub_path(value: Any, info: ValidationInfo) -> str:
    text = read_text(value)
    if is_study_file(info) and (text.startswith("/") or ".." in PurePosixPath(text).parts):
        raise wrong(f"must be a folder inside the volume, found '{text}'")
    return text


def _read_image(value: Any, info: ValidationInfo) -> str:
    text = read_text(value)
    if is_study_file(info) and _IMAGE.fullmatch(text) is None:
        raise wrong("must be the name of an image, of at most 512 characters and without spaces")
    return text


def _check_memory(value: str, info: ValidationInfo) -> str:
    if is_study_file(info) and _NOTHING.fullmatch(value):
        raise wrong("must be above 0, which to Kubernetes means without limit")
    return value


def _refuse_endless(value: Any) -> None:
    """What Kubernetes gets is JSON, which has no number for it."""
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong(f"must have finite numbers, found {format_number(value)}")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_endless(item)


def _check_texts(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong(f"must be a mapping of keys, found {describe(value)}")
    for key, item in value.items():
        if not isinstance(item, str):
            raise wrong(f"must have strings as values, and that of {key} is none", do="put it in quotes")
    return value


def _check_environment(value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    for name in value:
        if _VARIABLE.fullmatch(name) is None:
            raise wrong(f"sets '{name}', which is no name of a variable")
        if name in OWN_VARIABLES or (is_study_file(info) and name == TERMINATION_LOG_VARIABLE):
            raise wrong(f"sets {name}, which NAGO sets itself")
    return value


def _read_tolerations(value: Any, info: ValidationInfo) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, (list, tuple)):
        raise wrong(f"must be a list, found {describe(value)}")
    for toleration in value:
        if not isinstance(toleration, dict):
            raise wrong(f"must be a list of mappings, found {describe(toleration)} in it")
        for key in toleration.keys() - TOLERATION_KEYS:
            raise wrong(f"has the unknown key {key}", do=suggestion(key, sorted(TOLERATION_KEYS)))
        if is_study_file(info):
            _check_toleration(toleration)
    return tuple(value)


def _check_toleration(toleration: dict[str, Any]) -> None:
    for key, item in toleration.items():
        kind, found = (int, "an integer") if key == "tolerationSeconds" else (str, "a string")
        if not isinstance(item, kind) or isinstance(item, bool):
            raise wrong(f"must have {found} as {key}, found {describe(item)}")


def _read_template(value: Any, info: ValidationInfo) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong(f"must be a mapping of keys, found {describe(value)}")
    for key in value.keys() - {"metadata", "spec"}:
        raise wrong(f"has the unknown key {key}", do="use metadata and spec")
    if is_study_file(info):
        _refuse_endless(value)
    return value


ObjectName = Annotated[str, BeforeValidator(_matching(_OBJECT_NAME, "the name of a Kubernetes object"))]
Quantity = Annotated[
    str,
    BeforeValidator(_read_quantity),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^{_QUANTITY.pattern}$"}]}),
]
ContainerPath = Annotated[str, BeforeValidator(_read_path)]
Texts = Annotated[dict[str, str], BeforeValidator(_check_texts)]


class GpuSection(Section):
    resource: Annotated[str, BeforeValidator(_matching(_RESOURCE, "a resource such as nvidia.com/gpu"))] = (
        "nvidia.com/gpu"
    )
    """The name by which nodes offer GPUs; for a part of one, a MIG profile such as `nvidia.com/mig-1g.10gb`."""
    count: Annotated[Whole, Field(ge=0, le=64)] = 1
    """How many each trial gets; 0 to train on CPUs."""


class ClaimSection(Section):
    """A persistent volume claim of the namespace."""

    claim: ObjectName
    """Name of the persistent volume claim."""
    mount_path: ContainerPath
    """Where the trainer finds it."""


class DataSection(ClaimSection):
    mount_path: ContainerPath = "/data"
    """Where the trainer finds it, and where a relative `trainer.dataset.path` starts."""
    sub_path: Annotated[str, BeforeValidator(_read_sub_path)] | None = None
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
    key: Annotated[str, BeforeValidator(_matching(re.compile(r"[-._a-zA-Z0-9]+"), "a key of a Secret"))] = "url"
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
    image: Annotated[str, BeforeValidator(_read_image)]
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
    memory: Annotated[Quantity, AfterValidator(_check_memory)] | None = None
    """Memory that each trial gets, request and limit; by default computed from its network, batch size and images."""
    shared_memory: Annotated[Quantity, AfterValidator(_check_memory)] = "1Gi"
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
    tolerations: Annotated[tuple[dict[str, Any], ...], BeforeValidator(_read_tolerations)] = ()
    """Taints of nodes that are accepted, in Kubernetes' own form."""
    priority_class: ObjectName | None = None
    """PriorityClass of the pods."""
    queue: ObjectName | None = None
    """Kueue's LocalQueue through which the Jobs go."""
    service_account: ObjectName | None = None
    """Service account of the pods; its token is not mounted."""
    database_secret: SecretSection = SecretSection()
    """The Secret with the database's address for the trainers."""
    environment: Annotated[Texts, AfterValidator(_check_environment)] = Field(default={})
    """Further environment variables; nothing secret, which belongs into a Secret and the pod template."""
    patience: PatienceSection = PatienceSection()
    """How long a trial may wait before its attempt is given up."""
    pod_template: Annotated[dict[str, Any], BeforeValidator(_read_template)] = Field(default={})
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
