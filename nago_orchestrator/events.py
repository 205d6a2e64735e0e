"""What the loop tells whoever follows a study: one value per change of state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventKind(StrEnum):
    PROPOSED = "proposed"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    INFEASIBLE = "infeasible"
    FAILED = "failed"
    RETRIED = "retried"
    EVALUATED = "evaluated"
    STUDY_ENDED = "study_ended"
    TROUBLE = "trouble"
    """The database does not answer; the loop tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    kind: EventKind
    at: datetime
    message: str
    """One line for people."""
    trial: int | None = None
    proposal: int | None = None
    fidelity: int | None = None
    accuracy: float | None = None
    parameters: int | None = None
    bytes_per_sample: int | None = None
