"""Merges a study's `pod_template` into the pod template that was built for an attempt.

Before a study is stored, what its template changes is checked as well; a study that is stored goes on as it began.

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
from nago_orchestrator.executors.kubernetes.manifest.template_check import violations
from nago_orchestrator.executors.kubernetes.manifest.template_table import MERGE_KEYS

PLACE = "execution.kubernetes.pod_template"
ALLOW = "remove it, or set execution.kubernetes.allow_unsafe_template: true"


def merge_template(built: dict[str, Any], settings: KubernetesSettings) -> dict[str, Any]:
    """Raises SpecError, with the path, for a template that cannot be merged."""
    return merge(copy.deepcopy(built), settings.pod_template, "")


def template_doubts(built: dict[str, Any], settings: KubernetesSettings) -> tuple[str, ...]:
    """What of the study's template is not known to be good, a sentence each, if the study allows it.

    Raises SpecError if it does not, and for a template that nobody can want.
    """
    merged = merge_template(built, settings)
    if not settings.pod_template:
        return ()
    found = violations(merged, built, settings.database_secret.name)
    for violation in found:
        if violation.malformed:
            raise SpecError(violation.sentence, where=PLACE, do=violation.do)
    if found and not settings.allow_unsafe_template:
        raise SpecError(found[0].sentence, where=PLACE, do=found[0].do or ALLOW)
    return tuple(violation.sentence for violation in found)


def merge(value: dict[str, Any], patch: Mapping[str, Any], path: str) -> dict[str, Any]:
    """`value` with the patch applied. Raises SpecError where that is not possible."""
    if patch.get("$patch") == "replace":
        return {key: copy.deepcopy(item) for key, item in patch.items() if key != "$patch"}
    merged = dict(value)
    for key, item in patch.items():
        here = f"{path}.{key}" if path else str(key)
        if not isinstance(key, str):
            raise SpecError(f"{here} is no name of a field", where=PLACE)
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
        if not isinstance(name, (str, int)):
            raise SpecError(f"{path}[{index}] has no {key}, which is needed to merge it", where=PLACE)
        if item.get("$patch") == "delete":
            items.pop(name, None)
        else:
            items[name] = merge(items.get(name, {}), item, f"{path}[{name}]")
    return list(items.values())
