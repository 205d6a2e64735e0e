"""What is read of stored studies, for people: one frozen class for each kind of row, its fields in the order of output.

Every column of a view is a field of the same name, but for those kept only for older queries (`store/views.py`). The
fields are the keys of JSON and CSV, in the order of the class. Numbers keep NaN and infinity, times are aware and in
UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from nago_orchestrator.domain.data_checks import DataCheck
from nago_orchestrator.domain.dataset import DatasetSummary
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import Origin, Outcome, Theta
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_trainer.contract.class_details import ClassDetails

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """One study in a list."""

    name: str
    state: StudyState
    message: str | None
    """Why it is in this state, in one sentence."""
    created_at: datetime
    changed_at: datetime
    """When it came into this state."""
    proposals: int
    evaluations: int
    trials: int
    finished: int
    """Trials that are final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """A row of the view `trial_overview`."""

    study: str
    trial: int
    proposal: int
    replicate: int
    state: TrialState
    fidelity: int
    bracket: int | None
    rung: int | None
    origin: Origin
    epochs_done: int
    validation_accuracy: float | None
    validation_loss: float | None
    diverged: bool | None
    nodes: int
    width: int | None
    parameters: int
    flops: int | None
    bytes_per_sample: int | None
    attempts: int
    last_failure: Failure | None
    last_reason: str | None
    last_message: str | None
    seconds: float
    gpu_seconds: float
    architecture_hash: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    phase: int
    final_training: bool
    """Made by final training, not by the search."""
    balanced_accuracy: float | None
    """This and all that follows: None also of a trial whose trainer does not report it."""
    macro_f1: float | None
    top_5: float | None
    worst_class: float | None
    calibration_error: float | None
    custom: float | None
    run_of: int
    """Epochs of the run that its learning rate follows: `fidelity`, unless it is the beginning of a longer one."""
    continued_from: int | None
    """The trial whose checkpoint it goes on from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    trial: int
    attempt: int
    name: str
    executor: str
    gpus: int
    gpu_share: float
    """The part that it has of each of its GPUs."""
    state: AttemptState
    failure: Failure | None
    reason: str | None
    """Why it failed or, while it has not ended, why it does not run."""
    exit_code: int | None
    node: str | None
    uid: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    gpu_seconds: float | None
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingAttempt:
    """An attempt that has not ended and does not run at present, as far as its executor says why."""

    trial: int
    attempt: int
    created_at: datetime
    reason: str
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedAttempt(AttemptRow):
    """An attempt with the end of its log, which is stored of those that failed."""

    log_tail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    trial: int
    attempt: int
    epoch: int
    training_loss: float
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialDetails(TrialRow):
    """One trial with all that is stored of it."""

    theta: Theta
    canonical_theta: Theta
    architecture: Mapping[str, Any]
    architecture_seed: int
    training_seed: int
    attempt_rows: tuple[LoggedAttempt, ...]
    epoch_rows: tuple[EpochRow, ...]
    details: ClassDetails | None
    """By class, of a network that was to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    evaluation: int
    """Its number, in evaluation order."""
    proposal: int
    outcome: Outcome
    fidelity: int
    bracket: int | None
    rung: int | None
    origin: Origin
    cost_1: float | None
    cost_2: float | None
    cost_3: float | None
    cost_4: float | None
    samples: int
    """Networks behind the values."""
    evaluated_at: datetime
    objective_values: Mapping[str, float]
    """Empty unless the outcome is ok."""
    theta: Theta
    canonical_theta: Theta
    """Equal for thetas that draw the same architectures."""
    phase: int
    final_training: bool
    """Made by final training, not by the search."""
    parent: int | None
    slot: int | None
    evaluations_before: int
    notes: Mapping[str, Any] | None
    run_of: int
    """Epochs of the run of its trials: `fidelity`, unless they are the beginning of a longer one."""

    @property
    def costs(self) -> tuple[float, ...]:
        """In the order of the study's objectives; empty unless the outcome is ok."""
        return _known(self.cost_1, self.cost_2, self.cost_3, self.cost_4)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorRow:
    """A generator at one fidelity: its first evaluation, with the means over the networks of all its evaluations."""

    evaluation: int
    proposal: int
    fidelity: int
    bracket: int | None
    rung: int | None
    origin: Origin
    cost_1: float | None
    cost_2: float | None
    cost_3: float | None
    cost_4: float | None
    samples: int
    """Networks of all its evaluations."""
    evaluated_at: datetime
    objective_values: Mapping[str, float]
    theta: Theta
    canonical_theta: Theta
    phase: int
    proposals: tuple[int, ...]
    """Of all its evaluations."""

    @property
    def costs(self) -> tuple[float, ...]:
        """In the order of the study's objectives."""
        return _known(self.cost_1, self.cost_2, self.cost_3, self.cost_4)


@dataclass(frozen=True, slots=True, kw_only=True)
class BestGenerator(GeneratorRow):
    """The best one, with all its networks at that fidelity."""

    trials: tuple[TrialRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """A row of the view `gpu_ledger`: what attempts with one outcome have used."""

    study: str
    outcome: str
    attempts: int
    seconds: float
    gpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyStatus(StudyRow):
    prior: int
    """How many evaluations of other studies it began with."""
    seed: int
    objectives: tuple[Objective, ...]
    spec: Mapping[str, Any]
    """Canonical form of the study file."""
    trial_states: Mapping[TrialState, int]
    failures: Mapping[Failure, int]
    """Attempts by the kind of their failure."""
    attempts: int
    live_attempts: int
    seconds: float
    gpu_seconds: float
    running: tuple[TrialRow, ...]
    holder: str | None
    """Who runs it now."""
    waiting: tuple[WaitingAttempt, ...]
    """Of the running trials, what waits in the cluster, and why."""
    dataset: DatasetSummary | None
    """Of its images; None until they are checked."""
    fingerprint: str | None
    """Of the images that it began with; None for a published dataset."""
    data_check: DataCheck | None
    """The last Job that looked at its images, unless it found all that was to be found."""


def widened(kind: Callable[..., R], row: DataclassInstance, **more: Any) -> R:
    """A row of a kind that has the fields of `row` and more."""
    return kind(**{field.name: getattr(row, field.name) for field in fields(row)}, **more)


def _known(*costs: float | None) -> tuple[float, ...]:
    return tuple(cost for cost in costs if cost is not None)
