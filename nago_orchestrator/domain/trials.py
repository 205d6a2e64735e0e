"""Trials: sampled, stored, and as a trainer needs to know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nago_orchestrator.domain.attempts import Attempt
from nago_orchestrator.domain.states import TrialState
from nago_trainer.contract.reports import TrialResult
from nago_trainer.contract.task import DatasetSettings, TrainingSettings


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
    final_training: bool = False
    """Final training, by the study's other recipe."""
    bytes_per_sample: int | None = None
    """None where it is infeasible, as the width is."""
    run_of: int | None = None
    """Epochs of the run of which it is the beginning; None: a run of its own."""
    continued_from: int | None = None
    """Number of the trial from whose checkpoint it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RungTrial:
    """Where a trial of a search with rungs stands."""

    number: int
    proposal: int
    parent: int | None
    """Of its proposal."""
    phase: int
    bracket: int | None
    fidelity: int
    is_final: bool


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
    epochs: int
    parameters: int
    result: TrialResult | None
    """Already stored, the trial's transition still to come."""

    @property
    def live_attempt(self) -> Attempt | None:
        return next((attempt for attempt in self.attempts if not attempt.state.is_final), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """What all trials of a study share."""

    dataset: DatasetSettings
    training: TrainingSettings
    parameter_limit: int
    device: str
    threads: int
    keep_network: bool
    memory: int | None = None
    """Bytes that a training may take on its device: the largest batch that fits is taken. None: the recipe's batch."""
