"""What `tests.api_server` says to an object that it is only to check: the fields by Kubernetes' own schema."""

from __future__ import annotations

import re
from typing import Any

import kubernetes_validate

OLDEST_STRICT = 25
"""Of Kubernetes 1: earlier API servers do not know the parameter fieldValidation, and ignore it."""
_UNEXPECTED = re.compile(r"'([^']+)'")


def unknown_fields(item: Any, version: str) -> str | None:
    """In the API server's words; None for an object without any. One field is enough for a test."""
    minor = int(version.split(".")[1])
    if minor < OLDEST_STRICT:
        return None
    try:
        kubernetes_validate.validate(item, f"1.{minor}", strict=True)
    except kubernetes_validate.ValidationError as error:
        if error.validator != "additionalProperties":  # the schema demands some fields that API servers do not
            return None
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.path).lstrip(".")
        fields = ", ".join(f'unknown field "{path}.{name}"' for name in _UNEXPECTED.findall(error.message))
        return f'{item["kind"]} in version "v1" cannot be handled: strict decoding error: {fields}'
    return None
