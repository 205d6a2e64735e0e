"""What of an attempt's pod a template may not undo, beyond single fields: its labels, the trainer's container, its
variables, and its volumes. Pure.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nago_orchestrator.executors.kubernetes.manifest.labels import PREFIX
from nago_orchestrator.executors.kubernetes.manifest.objects import CONTAINER
from nago_orchestrator.executors.kubernetes.manifest.template_rules import Violation
from nago_orchestrator.spec.kubernetes_values import OWN_VARIABLES
from nago_trainer.contract.attempt_files import CHECKPOINT_SECONDS_VARIABLE

TRAINER = f"spec.containers[{CONTAINER}]"
OF_KUBERNETES = re.compile(r"(.*\.)?(kubernetes|k8s)\.io|(.*\.)?x-k8s\.io|azure\.workload\.identity")
"""Prefixes by which the cluster's own programs, and those that give pods identities, read labels."""
OWN_LABELS = re.compile(r"job-name|controller-uid")
GOOD_LABELS = ("app.kubernetes.io",)
GOOD_ANNOTATIONS = (
    "app.kubernetes.io",
    "cluster-autoscaler.kubernetes.io",
    "karpenter.sh",
    "kubectl.kubernetes.io",
    "linkerd.io",
    "prometheus.io",
)
ISTIO = "sidecar.istio.io/inject"
"""Others of that prefix give the pod volumes of its node, and another image."""
"""Prefixes; those of runtimes, networks, devices and identities can give a pod more than its fields do."""
READ_VARIABLES = re.compile(
    r"NAGO_.*|LD_.*|GLIBC_TUNABLES|GCONV_PATH|LOCPATH|PATH|PYTHON.*|PG[A-Z]+|OPENSSL_.*|SSL_CERT_.*|TMPDIR"
)
"""By the trainer, by the loader of its libraries, by Python, and by the connection to the database."""
HARMLESS_VARIABLES = (CHECKPOINT_SECONDS_VARIABLE,)
DEVICES = re.compile(r"[A-Z]+_VISIBLE_DEVICES|NVIDIA_MIG_\w+_DEVICES")
"""By which container runtimes give out devices of the node that the scheduler has not given to the pod."""
MOUNTABLE = ("/mnt", "/media", "/srv", "/home")
OF_THE_IMAGE = re.compile(r"/(bin|boot|dev|etc|home|lib\w*|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)?")
"""Folders that every Linux image has; the trainer's programs are in some of them."""


def kept_violations(merged: Mapping[str, Any], built: Mapping[str, Any]) -> Iterator[Violation]:
    """Relies on the shapes of what is known."""
    yield from _labels(merged, built)
    yield from _annotations(merged, built)
    spec: Mapping[str, Any] = merged.get("spec") or {}
    trainer = _named(built["spec"]["containers"])[CONTAINER]
    for kind in ("containers", "initContainers"):
        for name, container in _named(spec.get(kind)).items():
            yield from _devices(f"spec.{kind}[{name}]", container, trainer)
    yield from _volumes(spec, built["spec"])
    after = _named(spec.get("containers")).get(CONTAINER)
    if after is None:
        yield Violation(path=TRAINER, why="is the trainer and must not be removed", malformed=True)
        return
    yield from _variables(after, trainer)
    yield from _mounts(after, trainer)
    if "memory" not in _limits(after):
        why = "must stay: without it, a trainer can use up the memory of its node"
        yield Violation(path=f"{TRAINER}.resources.limits.memory", why=why)


def _labels(merged: Mapping[str, Any], built: Mapping[str, Any]) -> Iterator[Violation]:
    ours, found = built["metadata"]["labels"], (merged.get("metadata") or {}).get("labels") or {}
    for name, value in ours.items():
        if found.get(name) != value:
            yield Violation(path=f"metadata.labels[{name}]", why="identifies the pod and must not change")
    for name in sorted(found.keys() - ours.keys()):
        prefix = name.rpartition("/")[0]
        if name.startswith(PREFIX) or OWN_LABELS.fullmatch(name):
            yield Violation(path=f"metadata.labels[{name}]", why="is reserved")
        elif prefix not in GOOD_LABELS and OF_KUBERNETES.fullmatch(prefix):
            why = f"is read by the cluster: {prefix} is not known to be a harmless prefix"
            yield Violation(path=f"metadata.labels[{name}]", why=why)


def _annotations(merged: Mapping[str, Any], built: Mapping[str, Any]) -> Iterator[Violation]:
    ours, found = built["metadata"]["annotations"], (merged.get("metadata") or {}).get("annotations") or {}
    for name in sorted(found.keys() - ours.keys()):
        prefix, slash, _ = name.rpartition("/")
        if name == ISTIO:
            continue
        if prefix not in GOOD_ANNOTATIONS if slash else "." in name:
            what = f"the prefix {prefix}" if slash else "a name with dots"
            why = f"may give the pod rights or devices: {what} is not known to be harmless"
            yield Violation(path=f"metadata.annotations[{name}]", why=why)


def _devices(path: str, container: Mapping[str, Any], trainer: Mapping[str, Any]) -> Iterator[Violation]:
    for name, variable in _named(container.get("env")).items():
        if DEVICES.fullmatch(name) and variable != _named(trainer["env"]).get(name):
            why = "chooses devices of the node, which the scheduler gives out: use execution.kubernetes.gpu"
            yield Violation(path=f"{path}.env[{name}]", why=why)


def _variables(after: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Violation]:
    found, ours = _named(after.get("env")), _named(before["env"])
    for name in sorted(OWN_VARIABLES & ours.keys()):
        if found.get(name) != ours[name]:
            yield Violation(path=f"{TRAINER}.env[{name}]", why="is set by NAGO and must not change")
    for name in sorted(found.keys() - ours.keys()):
        if name in OWN_VARIABLES or (READ_VARIABLES.fullmatch(name) and name not in HARMLESS_VARIABLES):
            why = "changes how the trainer is loaded, its settings or where it reports"
            yield Violation(path=f"{TRAINER}.env[{name}]", why=why)


def _mounts(after: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Violation]:
    ours = {mount["mountPath"]: mount for mount in before["volumeMounts"]}
    found = {mount["mountPath"]: mount for mount in after.get("volumeMounts") or []}
    for place, mount in ours.items():
        if found.get(place) != mount:
            yield Violation(path=f"{TRAINER}.volumeMounts[{place}]", why="is NAGO's and must not change")
    for place in sorted(found.keys() - ours.keys()):
        why = _misplaced(place, ours)
        if why is not None:
            yield Violation(path=f"{TRAINER}.volumeMounts[{place}]", why=why)


def _misplaced(place: str, ours: Mapping[str, Any]) -> str | None:
    path = posixpath.normpath(f"/{place.lstrip('/')}")
    top = "/" + path.split("/")[1]
    for own in ours:
        if _holds(own, path) or _holds(path, own):
            return f"hides {own} of the trainer"
    if OF_THE_IMAGE.fullmatch(top) and top not in MOUNTABLE:
        return f"hides files of the trainer's image: mount it elsewhere, such as {MOUNTABLE[0]}/NAME"
    return None


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _volumes(after: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Violation]:
    found = _named(after.get("volumes"))
    for name, volume in _named(before["volumes"]).items():
        path = f"spec.volumes[{name}]"
        kinds = volume.keys() - {"name"}
        if name not in found or found[name].keys() - {"name"} != kinds:
            kind = kinds.pop()
            article = "an" if kind[0] in "aeiou" else "a"
            yield Violation(path=path, why=f"is NAGO's own volume and must remain {article} {kind}")
        elif "persistentVolumeClaim" in volume and found[name] != volume:
            yield Violation(path=path, why=f"is set by execution.kubernetes.{name}")


def _limits(container: Mapping[str, Any]) -> Mapping[str, Any]:
    return (container.get("resources") or {}).get("limits") or {}


def _named(items: Any) -> dict[str, Mapping[str, Any]]:
    return {item["name"]: item for item in items or []}
