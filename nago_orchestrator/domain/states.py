"""The states of studies, trials and attempts, and the transitions between them, which the store enforces."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class StudyState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TrialState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INFEASIBLE = "infeasible"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (TrialState.QUEUED, TrialState.RUNNING)


class AttemptState(StrEnum):
    CREATED = "created"
    """The intent is committed; the process or Job may not exist yet."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (AttemptState.CREATED, AttemptState.RUNNING)


class Failure(StrEnum):
    """Why an attempt failed. A proposer learns of `infeasible`; of the others only that an evaluation is lost."""

    INFEASIBLE = "infeasible"
    INFRASTRUCTURE = "infrastructure"
    INTERRUPTED = "interrupted"
    """Stopped by the user or by the orchestrator's own end, or to make room for others: counted against nothing."""
    DEFECT = "defect"


STUDY_MOVES: Mapping[StudyState, frozenset[StudyState]] = {
    StudyState.RUNNING: frozenset(StudyState) - {StudyState.RUNNING},
    StudyState.PAUSED: frozenset({StudyState.RUNNING, StudyState.CANCELLED}),
    StudyState.FAILED: frozenset({StudyState.RUNNING, StudyState.CANCELLED}),
    StudyState.COMPLETED: frozenset({StudyState.RUNNING}),  # for final training of what it found
    StudyState.CANCELLED: frozenset(),
}
TRIAL_MOVES: Mapping[TrialState, frozenset[TrialState]] = {
    # From the queue to success: an attempt that was declared lost had a result after all.
    TrialState.QUEUED: frozenset({TrialState.RUNNING, TrialState.CANCELLED, TrialState.SUCCEEDED}),
    TrialState.RUNNING: frozenset(TrialState) - {TrialState.RUNNING},
    **{state: frozenset() for state in TrialState if state.is_final},
}
