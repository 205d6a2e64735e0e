"""The values that the store keeps, the proposers give and the loop moves: states, proposals, trials, attempts.

Pure and frozen. The allowed moves between states stand here once; the store enforces them by compare-and-set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from nago_trainer.contract import DatasetSettings, EpochRecord, TrainingSettings, TrialResult

Theta = Mapping[str, float | int]
"""Generator hyperparameters by name, in the order of the search space."""


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
    """Why an attempt failed; only `infeasible` ever reaches a proposer."""

    INFEASIBLE = "infeasible"
    INFRASTRUCTURE = "infrastructure"
    INTERRUPTED = "interrupted"
    """Stopped by the user or by the orchestrator's own end: retried, and counted against nothing."""
    DEFECT = "defect"


class Outcome(StrEnum):
    """What a proposer is told of a proposal."""

    OK = "ok"
    INFEASIBLE = "infeasible"
    LOST = "lost"
    """No value, for reasons that say nothing about theta: the bracket moves on, the model learns nothing."""


class Origin(StrEnum):
    """How a proposal was made."""

    RANDOM = "random"
    MODEL = "model"
    PROMOTION = "promotion"


class Goal(StrEnum):
    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


STUDY_MOVES: Mapping[StudyState, frozenset[StudyState]] = {
    StudyState.RUNNING: frozenset(StudyState) - {StudyState.RUNNING},
    StudyState.PAUSED: frozenset({StudyState.RUNNING, StudyState.CANCELLED}),
    StudyState.FAILED: frozenset({StudyState.RUNNING, StudyState.CANCELLED}),
    StudyState.COMPLETED: frozenset({StudyState.RUNNING}),  # for full training of what it found
    StudyState.CANCELLED: frozenset(),
}
TRIAL_MOVES: Mapping[TrialState, frozenset[TrialState]] = {
    # From the queue to success: an attempt that was given up for lost had a result after all.
    TrialState.QUEUED: frozenset({TrialState.RUNNING, TrialState.CANCELLED, TrialState.SUCCEEDED}),
    TrialState.RUNNING: frozenset(TrialState) - {TrialState.RUNNING},
    **{state: frozenset() for state in TrialState if state.is_final},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    name: str
    goal: Goal
    reference: float | None = None
    """The worst value that still counts in the hypervolume."""

    def cost(self, value: float) -> float:
        """The value as something to minimise."""
        return -value if self.goal is Goal.MAXIMIZE else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Hyperparameters that a proposer wants evaluated at a fidelity."""

    number: int
    """In the study, from 0; also the key of its randomness."""
    theta: Theta
    fidelity: int
    """Epochs of each of its trials."""
    origin: Origin
    bracket: int | None = None
    """HpBandSter's iteration."""
    rung: int | None = None
    slot: int | None = None
    """HpBandSter's third part of a configuration's id: (bracket, rung where it was born, slot)."""
    parent: int | None = None
    """Number of the proposal that this one continues at a higher rung."""
    told_before: int
    """How many evaluations the proposer had been told when it made this one."""
    phase: int = 0
    """Which of the search's phases made it."""
    final: bool = False
    """Full training of a generator that the search found: made by the user's wish, after the search."""
    notes: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """How it was made, for people: diagnostics of the surrogate's fit, why it was drawn at random. JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A proposal with its aggregated objective values, as told to the proposer."""

    proposal: int
    number: int
    """Told order, from 0."""
    outcome: Outcome
    values: Mapping[str, float]
    """By objective, as the user knows them; empty unless the outcome is ok."""
    costs: tuple[float, ...]
    """The same, to be minimised, in the study's order of objectives."""
    samples: int
    """Trials behind the values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorEvaluation:
    """What another study found in the same space: a proposer learns from it, and proposes and counts nothing for it."""

    theta: Theta
    fidelity: int
    outcome: Outcome
    costs: tuple[float, ...]
    """In the order of the objectives of the study that is told."""
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrial:
    """An architecture that was sampled for a proposal, before its row exists."""

    replicate: int
    architecture: Mapping[str, Any]
    architecture_hash: str
    nodes: int
    width: int | None
    """None where even width 1 exceeds the parameter limit."""
    parameters: int
    flops: int | None
    bytes_per_sample: int | None
    architecture_seed: int
    training_seed: int
    infeasible: str | None
    """Why it cannot be trained, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialDesign:
    """What a trainer needs to know of one stored trial, beyond what all trials of the study share."""

    study: str
    number: int
    architecture: dict[str, Any]
    width: int | None
    parameters: int
    training_seed: int
    fidelity: int
    """Epochs."""
    final: bool = False
    """Full training, by the study's other recipe."""


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
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial that is not final yet, with all its attempts: what the planner looks at."""

    id: int
    number: int
    proposal: int
    state: TrialState
    not_before: datetime | None
    """A pause before the next attempt."""
    attempts: tuple[Attempt, ...]
    result: TrialResult | None
    """Already stored, the trial's transition still to come."""

    @property
    def live_attempt(self) -> Attempt | None:
        return next((attempt for attempt in self.attempts if not attempt.state.is_final), None)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """What all trials of a study share."""

    dataset: DatasetSettings
    training: TrainingSettings
    parameter_limit: int
    device: str
    threads: int
    keep_network: bool
