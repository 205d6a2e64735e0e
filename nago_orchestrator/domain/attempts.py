"""An attempt as it is stored, and as an executor observes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nago_orchestrator.domain.states import AttemptState, Failure
from nago_trainer.contract.data_check import DataAnswer
from nago_trainer.contract.reports import EpochRecord, TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    id: int
    number: int
    """Of its trial, from 1."""
    name: str
    """Deterministic: the name of its folder, process or Job."""
    token: str
    state: AttemptState
    failure: Failure | None
    reason: str | None
    """Why it failed or, while it has not ended, why it does not run."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    message: str | None = None
    """The reason in one sentence."""
    epochs: int = 0
    """The last one that it has reported."""


class Phase(StrEnum):
    """What the executor sees of an attempt."""

    ABSENT = "absent"
    """Nothing of that name exists."""
    PENDING = "pending"
    """It was accepted and will begin."""
    RUNNING = "running"
    ENDED = "ended"
    """It was there and is over; whether it succeeded is for the result and the exit code to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look at one attempt; epochs and result are cumulative and may be seen again."""

    phase: Phase
    epochs: tuple[EpochRecord, ...] = ()
    result: TrialResult | None = None
    data: DataAnswer | None = None
    """Of a check of the images, which is observed like an attempt."""
    exit_code: int | None = None
    """Negative: ended by that signal."""
    failure: Failure | None = None
    """The executor's classification, where it ended without a result."""
    reason: str | None = None
    """One word for grouping, e.g. OOMKilled, ExitCode70."""
    message: str | None = None
    """One sentence for the user."""
    node: str | None = None
    uid: str | None = None
    log_tail: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
