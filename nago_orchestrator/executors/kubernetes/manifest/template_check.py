"""What a merged pod template may not undo: what identifies an attempt's pod, and what keeps it from doing harm.

The second half is the restricted Pod Security Standard (https://kubernetes.io/docs/concepts/security/pod-security-standards/),
and beyond it: no service-account token, a read-only root file system for the trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nago_orchestrator.executors.kubernetes.manifest.labels import PREFIX
from nago_orchestrator.executors.kubernetes.manifest.objects import CONTAINER
from nago_trainer.contract.attempt_files import (
    ATTEMPT_VARIABLE,
    DATABASE_VARIABLE,
    TOKEN_VARIABLE,
    TRIAL_VARIABLE,
)

KEPT_ENVIRONMENT = (ATTEMPT_VARIABLE, TRIAL_VARIABLE, TOKEN_VARIABLE, DATABASE_VARIABLE)
KEPT_OF_CONTAINER = ("image", "terminationMessagePath", "terminationMessagePolicy")
KEPT_OF_POD = ("restartPolicy", "serviceAccountName", "automountServiceAccountToken")
VOLUME_KINDS = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
SECCOMP_TYPES = ("RuntimeDefault", "Localhost")
OF_KUBERNETES = ("batch.kubernetes.io/", "job-name", "controller-uid")

Check = Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[str]]


def first_violation(merged: Mapping[str, Any], built: Mapping[str, Any]) -> str | None:
    """The first thing that is wrong with a merged template, beginning with its path; None if it may be used."""
    for check in (_labels, _pod, _trainer, _volumes, _containers):
        for violation in check(merged, built):
            return violation
    return None


def _labels(merged: Mapping[str, Any], built: Mapping[str, Any]) -> Iterator[str]:
    ours, found = built["metadata"]["labels"], _mapping(_mapping(merged.get("metadata")).get("labels"))
    for name, value in ours.items():
        if found.get(name) != value:
            yield f"metadata.labels[{name}] identifies the pod and must not change"
    for name in found.keys() - ours.keys():
        if name.startswith((PREFIX, *OF_KUBERNETES)):
            yield f"metadata.labels[{name}] is reserved"


def _pod(merged: Mapping[str, Any], built: Mapping[str, Any]) -> Iterator[str]:
    spec = _mapping(merged.get("spec"))
    security = _mapping(spec.get("securityContext"))
    for key in KEPT_OF_POD:
        if spec.get(key) != built["spec"].get(key):
            yield f"spec.{key} must not change"
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"spec.{key} gives the pod access to its node"
    if security.get("runAsNonRoot") is not True:
        yield "spec.securityContext.runAsNonRoot must be true"
    if _mapping(security.get("seccompProfile")).get("type") not in SECCOMP_TYPES:
        yield "spec.securityContext.seccompProfile.type must be RuntimeDefault or Localhost"
    if security.get("sysctls"):
        yield "spec.securityContext.sysctls changes the node's kernel"
    yield from _user(security, "spec.securityContext")


def _trainer(merged: Mapping[str, Any], built: Mapping[str, Any]) -> Iterator[str]:
    before = _named(built["spec"]["containers"])[CONTAINER]
    after = _named(_spec_list(merged, "containers")).get(CONTAINER)
    path = f"spec.containers[{CONTAINER}]"
    if after is None:
        yield f"{path} is the trainer and must not be removed"
        return
    for key in KEPT_OF_CONTAINER:
        if after.get(key) != before.get(key):
            yield f"{path}.{key} must not change"
    environment = _named(_list(after.get("env")))
    for name in KEPT_ENVIRONMENT:
        if environment.get(name) != _named(before["env"])[name]:
            yield f"{path}.env[{name}] is set by NAGO and must not change"
    if _mapping(after.get("securityContext")).get("readOnlyRootFilesystem") is not True:
        yield f"{path}.securityContext.readOnlyRootFilesystem must be true"


def _volumes(merged: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[str]:
    for volume in _spec_list(merged, "volumes"):
        path = f"spec.volumes[{volume['name']}]"
        for kind in volume.keys() - {"name"} - VOLUME_KINDS:
            yield f"{path}.{kind} is a kind of volume that restricted pods may not have"
        sources = _list(_mapping(volume.get("projected")).get("sources"))
        if any("serviceAccountToken" in source for source in sources):
            yield f"{path}.projected gives the pod a service-account token"


def _containers(merged: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in _spec_list(merged, kind):
            yield from _container(container, f"spec.{kind}[{container['name']}]")


def _container(container: Mapping[str, Any], path: str) -> Iterator[str]:
    security = _mapping(container.get("securityContext"))
    capabilities = _mapping(security.get("capabilities"))
    here = f"{path}.securityContext"
    if security.get("privileged"):
        yield f"{here}.privileged gives the container its whole node"
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{here}.allowPrivilegeEscalation must be false"
    if "ALL" not in _list(capabilities.get("drop")):
        yield f"{here}.capabilities.drop must hold ALL"
    if set(_list(capabilities.get("add"))) - {"NET_BIND_SERVICE"}:
        yield f"{here}.capabilities.add gives the container more than restricted pods may have"
    if security.get("runAsNonRoot") is False:
        yield f"{here}.runAsNonRoot must not be false"
    if "seccompProfile" in security and _mapping(security["seccompProfile"]).get("type") not in SECCOMP_TYPES:
        yield f"{here}.seccompProfile.type must be RuntimeDefault or Localhost"
    if any(_mapping(port).get("hostPort") for port in _list(container.get("ports"))):
        yield f"{path}.ports opens a port of the node"
    yield from _user(security, here)


def _user(security: Mapping[str, Any], path: str) -> Iterator[str]:
    if security.get("runAsUser") == 0:
        yield f"{path}.runAsUser must not be 0, which is root"
    if security.get("procMount") not in (None, "Default"):
        yield f"{path}.procMount must be Default"
    if _mapping(security.get("appArmorProfile")).get("type") == "Unconfined":
        yield f"{path}.appArmorProfile.type must not be Unconfined"
    if _mapping(security.get("windowsOptions")).get("hostProcess"):
        yield f"{path}.windowsOptions.hostProcess gives the container its whole node"


def _mapping(value: Any) -> Mapping[str, Any]:
    """What is not a mapping is for the API server to refuse."""
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _spec_list(template: Mapping[str, Any], kind: str) -> list[Any]:
    return _list(_mapping(template.get("spec")).get(kind))


def _named(items: list[Any]) -> dict[str, Mapping[str, Any]]:
    return {item["name"]: item for item in items if isinstance(item, Mapping) and "name" in item}
