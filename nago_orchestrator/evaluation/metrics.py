"""The quantities of a trained network that a study may optimise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Protocol

from nago_orchestrator.domain.objectives import Goal
from nago_orchestrator.domain.states import TrialState
from nago_trainer.contract.reports import TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedTrial:
    """What an evaluation needs of a trial that is final."""

    state: TrialState
    result: TrialResult | None
    parameters: int
    flops: int | None
    bytes_per_sample: int | None


@dataclass(frozen=True, slots=True)
class Metric:
    """A quantity of one trained network that a study may optimise."""

    goal: Goal
    unit: str
    value: Callable[[EndedTrial, TrialResult], float]


class Sized(Protocol):
    """What is known of an architecture before it trains."""

    @property
    def parameters(self) -> int: ...
    @property
    def flops(self) -> int | None: ...
    @property
    def bytes_per_sample(self) -> int | None: ...


KNOWN_BEFORE_TRAINING: Mapping[str, Callable[[Sized], float]] = {
    "memory": lambda size: float(size.bytes_per_sample or 0),
    "parameters": lambda size: float(size.parameters),
    "flops": lambda size: float(size.flops or 0),
}
"""By its name, each metric that follows from the architecture alone."""


def cheap_objectives(learn: Iterable[str] = ()) -> Set[str]:
    """Names of the metrics whose costs a search computes without training, but for those that it is to `learn`."""
    return KNOWN_BEFORE_TRAINING.keys() - set(learn)


def _before_training(name: str, unit: str) -> Metric:
    measure = KNOWN_BEFORE_TRAINING[name]
    return Metric(Goal.MINIMIZE, unit, lambda trial, result: measure(trial))


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric(Goal.MAXIMIZE, "fraction", lambda trial, result: result.validation_accuracy),
    "error": Metric(Goal.MINIMIZE, "fraction", lambda trial, result: 1.0 - result.validation_accuracy),
    "loss": Metric(Goal.MINIMIZE, "nats", lambda trial, result: result.validation_loss),
    "memory": _before_training("memory", "bytes per sample"),
    "parameters": _before_training("parameters", "count"),
    "flops": _before_training("flops", "per sample"),
    "seconds": Metric(Goal.MINIMIZE, "seconds", lambda trial, result: result.seconds),
}
