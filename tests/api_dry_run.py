"""What `tests.api_server` says to an object's fields, by Kubernetes' own schema.

Since 1.25 unknown and repeated fields are, as the request's parameter fieldValidation says, refused (Strict), warned of
(Warn, the default) or passed over (Ignore); without Strict they are dropped. Before, they were dropped in silence.
(https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation)
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import kubernetes_validate

OLDEST_STRICT = 25
"""Of Kubernetes 1: earlier API servers do not know the parameter fieldValidation, and ignore it."""
_UNEXPECTED = re.compile(r"'([^']+)'")


def unknown_fields(item: Any, version: str) -> str | None:
    """In the API server's words; None for an object without any. One field is enough for a test."""
    found = _unknown(json.dumps(_shape(item), sort_keys=True), int(version.split(".")[1]))
    if not found:
        return None
    fields = ", ".join(f'unknown field "{field}"' for field in found)
    return f'{item["kind"]} in version "v1" cannot be handled: strict decoding error: {fields}'


def field_warnings(item: Any, version: str) -> list[str]:
    """What is said to a request that is not strict."""
    found = _unknown(json.dumps(_shape(item), sort_keys=True), int(version.split(".")[1]))
    return [f'unknown field "{field}"' for field in found]


def drop_field(item: Any, field: str) -> None:
    """The one that a warning names."""
    *path, name = re.findall(r"[^.\[\]]+", field.removeprefix('unknown field "').removesuffix('"'))
    for step in path:
        item = item[int(step)] if isinstance(item, list) else item[step]
    del item[name]


@lru_cache
def _unknown(shape: str, minor: int) -> tuple[str, ...]:
    if minor < OLDEST_STRICT:
        return ()
    item = json.loads(shape)
    try:
        kubernetes_validate.validate(item, f"1.{minor}", strict=True)
    except kubernetes_validate.ValidationError as error:
        if error.validator != "additionalProperties":  # the schema demands some fields that API servers do not
            return ()
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.path).lstrip(".")
        return tuple(f"{path}.{name}" for name in _UNEXPECTED.findall(error.message))
    return ()


def _shape(item: Any, *, name: str = "") -> Any:
    """The object with plain values: whether a field is known does not depend on them, and objects are often alike."""
    if isinstance(item, dict):
        return {key: _shape(value, name=key) for key, value in item.items()}
    if isinstance(item, list):
        return [_shape(value) for value in item]
    return item if name in ("apiVersion", "kind") or not isinstance(item, str) else "0"
