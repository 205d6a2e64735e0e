"""What the loop publishes to those who follow a study: one value per change of state."""

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
    IMAGES_CHECKED = "images_checked"
    """In a cluster, by a Job; locally `submit` says it."""
    STUDY_ENDED = "study_ended"
    TROUBLE = "trouble"
    """The database does not answer, the executor cannot work or the images cannot be read; the loop tries again."""


LOGGED_FIELDS = ("trial", "attempt", "proposal", "fidelity", "accuracy", "parameters")
"""Fields of an event that a log line shows where they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    kind: EventKind
    at: datetime
    message: str
    """One line for people."""
    trial: int | None = None
    attempt: int | None = None
    """Of the trial, from 1."""
    proposal: int | None = None
    fidelity: int | None = None
    accuracy: float | None = None
    parameters: int | None = None
    bytes_per_sample: int | None = None

    def fields(self) -> dict[str, object]:
        """For a log line: what is known, by name."""
        values = {name: getattr(self, name) for name in LOGGED_FIELDS}
        known = {name: value for name, value in values.items() if value is not None}
        return {"event": self.kind.value, "message": self.message, **known}
