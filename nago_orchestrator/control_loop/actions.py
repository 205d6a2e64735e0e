"""What is to be done, one value for each kind of action; and what follows once it is committed.

`planner.plan` makes the actions, `execute.execute` executes one and returns its follow-ups, which the loop sees to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nago_orchestrator.control_loop.events import Event
from nago_orchestrator.domain.attempts import Attempt, Observation
from nago_orchestrator.domain.data_checks import Conclusion, DataCheck
from nago_orchestrator.domain.proposals import Proposal
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.domain.trials import NewTrial, Trial
from nago_trainer.contract.reports import TrialResult
from nago_trainer.contract.task import TrialTask


@dataclass(frozen=True, slots=True)
class MarkRunning:
    trial: Trial
    attempt: Attempt
    observation: Observation


@dataclass(frozen=True, slots=True)
class NoteWaiting:
    """Why the attempt does not run at present; None: it does."""

    trial: Trial
    attempt: Attempt
    reason: str | None
    message: str | None


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
    discards_result: bool = False
    """What the trainer has stored as its result is not valid."""


@dataclass(frozen=True, slots=True)
class DiscardResult:
    """Of an attempt that has ended already: its trainer stored one afterwards, and it is not valid."""

    trial: Trial
    attempt: Attempt
    problem: str


@dataclass(frozen=True, slots=True)
class StopAttempt:
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """A new attempt of a queued trial."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class RepeatStart:
    """The attempt's row was committed, but its process or Job was never created."""

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
class StoreProposal:
    """Follows an `Ask`: several proposals are computed first, which may take seconds, and then stored together."""

    proposal: Proposal
    trials: tuple[NewTrial, ...]


@dataclass(frozen=True, slots=True)
class BeginDataCheck:
    number: int
    study_changed_at: datetime
    created_at: datetime
    anew: bool = False
    """Nothing that an earlier check kept counts."""


@dataclass(frozen=True, slots=True)
class RepeatDataCheck:
    """Its row was committed, but its Job was never created."""

    check: DataCheck
    anew: bool = False


@dataclass(frozen=True, slots=True)
class NoteDataCheck:
    """It runs, or why it does not."""

    check: DataCheck
    state: AttemptState
    reason: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class EndDataCheck:
    check: DataCheck
    state: AttemptState
    failure: Failure | None
    reason: str | None
    message: str | None
    found: Conclusion | None


@dataclass(frozen=True, slots=True)
class StopDataCheck:
    check: DataCheck


DataAction = BeginDataCheck | RepeatDataCheck | NoteDataCheck | EndDataCheck | StopDataCheck


@dataclass(frozen=True, slots=True)
class EndStudy:
    state: StudyState
    message: str | None


Action = (
    MarkRunning
    | NoteWaiting
    | AcceptResult
    | EndAttempt
    | DiscardResult
    | StopAttempt
    | StartAttempt
    | RepeatStart
    | CancelQueued
    | Tell
    | Ask
    | StoreProposal
    | DataAction
    | EndStudy
)


OfTrial = MarkRunning | AcceptResult | EndAttempt | DiscardResult | StartAttempt | RepeatStart
"""What writes to the rows of one trial."""


@dataclass(frozen=True, slots=True)
class Launch:
    """Of the attempt called `name`, whose row is committed by then."""

    name: str
    task: TrialTask


@dataclass(frozen=True, slots=True)
class LaunchDataCheck:
    name: str
    anew: bool


FollowUp = Event | StoreProposal | Launch | LaunchDataCheck
"""An event is published, a proposal stored in a transaction of its own, the others are handed to the executor."""
