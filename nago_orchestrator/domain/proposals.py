"""Proposals, and what their evaluation says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Theta = Mapping[str, float | int]
"""Generator hyperparameters by name, in the order of the search space."""


class Outcome(StrEnum):
    """What a proposer observes of a proposal."""

    OK = "ok"
    INFEASIBLE = "infeasible"
    LOST = "lost"
    """No value, for reasons that say nothing about theta: the bracket moves on, the model learns nothing."""


class Origin(StrEnum):
    """How a proposal was made."""

    RANDOM = "random"
    MODEL = "model"
    PROMOTION = "promotion"


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
    evaluations_before: int
    """How many evaluations the proposer had observed when it made this one."""
    run_of: int | None = None
    """Epochs of the run of which its trials are the beginning; the trials of a promotion then go on from those of its
    parent. None: each is a run of its own."""
    phase: int = 0
    """Which of the search's phases made it."""
    final_training: bool = False
    """Final training of a generator that the search found: after the search, by the user's command."""
    notes: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """How it was made, for people: diagnostics of the surrogate's fit, why it was drawn at random. JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A proposal with its aggregated objective values, as the proposer observes it."""

    proposal: int
    number: int
    """In evaluation order, from 0."""
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
    """In the order of the objectives of the study that observes it."""
    samples: int
