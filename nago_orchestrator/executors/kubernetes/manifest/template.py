"""Merges a study's `pod_template` into the pod template that was built for an attempt, and checks the result.

The merge follows Kubernetes' strategic merge patch: mappings are merged key by key, a null takes a key out, lists whose
items have a key of their own are merged by it, other lists are replaced; `$patch: delete` and `$patch: replace` work.
(https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/)
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from nago_orchestrator.errors import SpecError
from nago_orchestrator.executors.kubernetes.manifest.settings import KubernetesSettings
from nago_orchestrator.executors.kubernetes.manifest.template_check import first_violation

PLACE = "execution.kubernetes.pod_template"
MERGE_KEYS: Mapping[str, str] = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "resourceClaims": "name",
    "schedulingGates": "name",
}
"""Lists of the pod template that are merged, and by which key of their items."""


def merge_template(built: dict[str, Any], settings: KubernetesSettings) -> dict[str, Any]:
    """Raises SpecError, with the path, for a template that cannot be merged or that undoes what must stand."""
    merged = merge(copy.deepcopy(built), settings.pod_template, "")
    if not settings.pod_template or settings.allow_unsafe_template:
        return merged
    violation = first_violation(merged, built)
    if violation is not None:
        raise SpecError(violation, where=PLACE, do="remove it, or set execution.kubernetes.allow_unsafe_template: true")
    return merged


def merge(value: dict[str, Any], patch: Mapping[str, Any], path: str) -> dict[str, Any]:
    """`value` with the patch applied. Raises SpecError for a list item without its key or an unknown directive."""
    if patch.get("$patch") == "replace":
        return {key: copy.deepcopy(item) for key, item in patch.items() if key != "$patch"}
    merged = dict(value)
    for key, item in patch.items():
        here = f"{path}.{key}" if path else key
        if key.startswith("$"):
            raise SpecError(f"unknown directive {here}", where=PLACE, do="use $patch: delete or $patch: replace")
        if item is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_value(merged.get(key), item, key, here)
    return merged


def _merge_value(before: Any, item: Any, key: str, path: str) -> Any:
    is_list = isinstance(item, Sequence) and not isinstance(item, str)
    if (isinstance(before, list) or key in MERGE_KEYS) and not is_list:
        raise SpecError(f"{path} must be a list", where=PLACE)
    if isinstance(item, Mapping):
        return merge(before if isinstance(before, dict) else {}, item, path)
    if isinstance(before, dict):
        raise SpecError(f"{path} must be a mapping of keys", where=PLACE)
    if key in MERGE_KEYS:
        return _merge_list(before or [], item, MERGE_KEYS[key], path)
    return copy.deepcopy(item)


def _merge_list(before: list[Any], patch: Sequence[Any], key: str, path: str) -> list[Any]:
    items = {item[key]: item for item in before}
    for index, item in enumerate(patch):
        name = item.get(key) if isinstance(item, Mapping) else None
        if name is None:
            raise SpecError(f"{path}[{index}] has no {key}, which is needed to merge it", where=PLACE)
        if item.get("$patch") == "delete":
            items.pop(name, None)
        else:
            items[name] = merge(items.get(name, {}), item, f"{path}[{name}]")
    return list(items.values())
