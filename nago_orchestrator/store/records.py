"""What the store takes and gives beyond the domain's own values: studies, open proposals, tallies, trial designs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nago_orchestrator.domain.dataset import DatasetSummary
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import PriorEvaluation
from nago_orchestrator.domain.states import Failure, StudyState, TrialState
from nago_orchestrator.domain.trials import TrainingRecipe
from nago_trainer.contract.reports import TrialResult

LARGEST_OBJECTIVE_COUNT = 4
"""How many objectives a study may have: an evaluation has this many cost columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStudy:
    """A study before its row exists."""

    name: str
    spec: Mapping[str, Any]
    """Canonical form of the study file."""
    spec_hash: str
    seed: int
    """0 to 2**63 - 1."""
    objectives: tuple[Objective, ...]
    recipe: TrainingRecipe
    prior: tuple[PriorEvaluation, ...] = ()
    """What other studies found, for a warm start."""
    dataset: DatasetSummary | None = None
    """None where the images are in a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    id: int
    name: str
    spec: Mapping[str, Any]
    spec_hash: str
    seed: int
    objectives: tuple[Objective, ...]
    recipe: TrainingRecipe
    state: StudyState
    message: str | None
    """Why it is in this state, in one sentence."""
    created_at: datetime
    changed_at: datetime
    """When it came into this state."""
    ran_seconds: float = 0.0
    """How long it has run, as far as its limits ask for it: without pauses and times without an orchestrator."""
    prior: tuple[PriorEvaluation, ...] = ()
    """Copied when the study was created: what becomes of the other studies later changes nothing."""
    dataset: DatasetSummary | None = None
    """None where the images are in a cluster, and for a study of before until it is run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalTrial:
    """One trial of an open proposal, finished or not: what its evaluation is aggregated from."""

    number: int
    replicate: int
    state: TrialState
    result: TrialResult | None
    parameters: int
    flops: int | None
    bytes_per_sample: int | None
    infeasible: str | None
    """Why it cannot be trained; set exactly in the state `infeasible`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenProposal:
    """A proposal that has no evaluation yet."""

    number: int
    fidelity: int
    final_training: bool
    trials: tuple[ProposalTrial, ...]
    """By replicate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnTrial:
    """How a trial was drawn and sized, without the architecture itself."""

    number: int
    proposal: int
    replicate: int
    architecture_seed: int
    training_seed: int
    architecture_hash: str
    nodes: int
    width: int | None
    parameters: int
    flops: int | None
    bytes_per_sample: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts of a study that its limits and its status are judged by."""

    state: StudyState
    proposals: int
    evaluations: int
    trials: Mapping[TrialState, int]
    """Every state has a key."""
    failures: Mapping[Failure, int]
    """Attempts by the kind of their failure; every kind has a key."""
    attempts: int
    live_attempts: int
    waiting: Mapping[str, int]
    """Of these, those that do not run at present, by the reason, as far as it is known."""
    seconds: float
    """Wall time of all attempts that have ended."""
    gpu_seconds: float
    """The same times the GPUs of each."""
    started_at: datetime
    """When the study was created."""

    @property
    def defects(self) -> int:
        """Attempts that failed by a defect."""
        return self.failures[Failure.DEFECT]
