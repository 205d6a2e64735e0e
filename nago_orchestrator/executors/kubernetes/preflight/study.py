"""The study that a cluster is examined for. Needs nothing of the extra `kubernetes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedStudy:
    """What of a study its cluster has to do with."""

    job: Mapping[str, Any]
    """The first one, with a token that opens nothing."""
    parallelism: int
    image_path: str | None
    database_secret: tuple[str, str]
    """Name and key: the orchestrator reads it, and makes the attempts' Secrets of it."""
    namespace: str | None = None
