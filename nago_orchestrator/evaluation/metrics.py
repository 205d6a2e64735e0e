"""The quantities of a trained network that a study may optimise. How they are written is in `formatting/quantities`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Protocol

from nago_orchestrator.domain.objectives import Goal
from nago_orchestrator.domain.states import TrialState
from nago_trainer.contract.reports import MEASURES, TrialResult


class Sized(Protocol):
    """What is known of an architecture before it trains; None where a trial of an older version does not say."""

    @property
    def parameters(self) -> int: ...
    @property
    def flops(self) -> int | None: ...
    @property
    def bytes_per_sample(self) -> int | None: ...


class Measured(Sized, Protocol):
    """And what is known after it; None without a result."""

    @property
    def validation_accuracy(self) -> float | None: ...
    @property
    def validation_loss(self) -> float | None: ...
    @property
    def seconds(self) -> float | None: ...
    @property
    def balanced_accuracy(self) -> float | None: ...
    @property
    def macro_f1(self) -> float | None: ...
    @property
    def top_5(self) -> float | None: ...
    @property
    def worst_class(self) -> float | None: ...
    @property
    def custom(self) -> float | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedTrial:
    """What an evaluation needs of a trial that is final."""

    state: TrialState
    result: TrialResult | None
    parameters: int
    flops: int | None
    bytes_per_sample: int | None

    @property
    def validation_accuracy(self) -> float | None:
        return None if self.result is None else self.result.validation_accuracy

    @property
    def validation_loss(self) -> float | None:
        return None if self.result is None else self.result.validation_loss

    @property
    def seconds(self) -> float | None:
        return None if self.result is None else self.result.seconds

    @property
    def balanced_accuracy(self) -> float | None:
        return None if self.result is None else self.result.balanced_accuracy

    @property
    def macro_f1(self) -> float | None:
        return None if self.result is None else self.result.macro_f1

    @property
    def top_5(self) -> float | None:
        return None if self.result is None else self.result.top_5

    @property
    def worst_class(self) -> float | None:
        return None if self.result is None else self.result.worst_class

    @property
    def custom(self) -> float | None:
        return None if self.result is None else self.result.custom


@dataclass(frozen=True, slots=True)
class Metric:
    """A quantity of one trained network that a study may optimise."""

    goal: Goal
    value: Callable[[Measured], float | None]


KNOWN_BEFORE_TRAINING: Mapping[str, Callable[[Sized], float | None]] = {
    "memory": lambda size: size.bytes_per_sample,
    "parameters": lambda size: size.parameters,
    "flops": lambda size: size.flops,
}
"""By its name, each metric that follows from the architecture alone."""


def cheap_objectives(learn: Iterable[str] = ()) -> Set[str]:
    """Names of the metrics whose costs a search computes without training, but for those that it is to `learn`."""
    return KNOWN_BEFORE_TRAINING.keys() - set(learn)


def _unless_diverged(custom: float | None, worst: float) -> float | None:
    return worst if custom is not None and math.isnan(custom) else custom


def _error(trial: Measured) -> float | None:
    accuracy = trial.validation_accuracy
    return None if accuracy is None else 1.0 - accuracy


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric(Goal.MAXIMIZE, lambda trial: trial.validation_accuracy),
    "error": Metric(Goal.MINIMIZE, _error),
    "loss": Metric(Goal.MINIMIZE, lambda trial: trial.validation_loss),
    **{name: Metric(Goal.MINIMIZE, measure) for name, measure in KNOWN_BEFORE_TRAINING.items()},
    "seconds": Metric(Goal.MINIMIZE, lambda trial: trial.seconds),
    "balanced_accuracy": Metric(Goal.MAXIMIZE, lambda trial: trial.balanced_accuracy),
    "macro_f1": Metric(Goal.MAXIMIZE, lambda trial: trial.macro_f1),
    "top_5": Metric(Goal.MAXIMIZE, lambda trial: trial.top_5),
    "worst_class": Metric(Goal.MAXIMIZE, lambda trial: trial.worst_class),
    "custom_score": Metric(Goal.MAXIMIZE, lambda trial: _unless_diverged(trial.custom, 0.0)),
    "custom_cost": Metric(Goal.MINIMIZE, lambda trial: _unless_diverged(trial.custom, math.inf)),
}
CUSTOM = ("custom_score", "custom_cost")
"""Names of the study's own objective, by its goal."""
REPORTED: Mapping[str, str] = {**{name: name for name in MEASURES}, **dict.fromkeys(CUSTOM, "custom")}
"""By the metrics that older trainers do not report: their fields of a result."""

SHARES = frozenset({"accuracy", "error", *MEASURES})
"""Names of the metrics that are shares of images: from 0 to 1."""
