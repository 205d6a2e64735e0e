"""What the planner may want done, one value for each kind of action. `reconcile.plan` makes them, `carry_out` obeys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nago_orchestrator.domain.attempts import Attempt, Observation
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.domain.trials import Trial
from nago_trainer.contract.reports import TrialResult


@dataclass(frozen=True, slots=True)
class MarkRunning:
    trial: Trial
    attempt: Attempt
    observation: Observation


@dataclass(frozen=True, slots=True)
class AcceptResult:
    trial: Trial
    attempt: Attempt
    observation: Observation
    result: TrialResult


@dataclass(frozen=True, slots=True)
class EndAttempt:
    trial: Trial
    attempt: Attempt
    state: AttemptState
    failure: Failure | None
    observation: Observation | None
    trial_to: TrialState
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class StopAttempt:
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """A new attempt of a queued trial."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class RepeatStart:
    """The attempt's row was committed, but its process or Job never came to be."""

    trial: Trial
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class CancelQueued:
    pass


@dataclass(frozen=True, slots=True)
class Tell:
    proposal: int


@dataclass(frozen=True, slots=True)
class Ask:
    pass


@dataclass(frozen=True, slots=True)
class EndStudy:
    state: StudyState
    message: str | None


Action = (
    MarkRunning
    | AcceptResult
    | EndAttempt
    | StopAttempt
    | StartAttempt
    | RepeatStart
    | CancelQueued
    | Tell
    | Ask
    | EndStudy
)
