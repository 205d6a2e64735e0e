"""Reads Kubernetes objects as they come: plain dicts in which almost anything may be missing or null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

CONTAINER = "trainer"
"""Name of the trainer's container in its pod."""


def parse_time(text: str | None) -> datetime | None:
    return None if not text else datetime.fromisoformat(text).astimezone(UTC)


def condition(item: Mapping[str, Any], kind: str, status: str = "True") -> Mapping[str, Any] | None:
    """A Job's or pod's condition of that kind, if it has it with that status."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return next((found for found in conditions if found["type"] == kind and found["status"] == status), None)


def newest(pods: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """A Job may have had several pods, e.g. one that was deleted and its replacement: the last one counts."""
    return max(pods, key=lambda pod: pod["metadata"].get("creationTimestamp") or "", default=None)


def trainer_status(pod: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The status of the trainer's container; empty before the node has written one, and after an eviction."""
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    return next((found for found in statuses if found.get("name") == CONTAINER), {})
