"""From the trials of a proposal to the one evaluation that the proposer is told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from nago_orchestrator.domain import Evaluation, Goal, Objective, Outcome, TrialState
from nago_trainer.contract import TrialResult


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


def evaluate(
    proposal: int, trials: Sequence[EndedTrial], objectives: Sequence[Objective], *, number: int
) -> Evaluation:
    """The mean of each objective over the architectures that were trained.

    Without any: infeasible if that is what a trial was found to be, else lost, from which no proposer learns.
    """
    trained = [(trial, trial.result) for trial in trials if trial.result is not None]
    if not trained:
        infeasible = any(trial.state is TrialState.INFEASIBLE for trial in trials)
        outcome = Outcome.INFEASIBLE if infeasible else Outcome.LOST
        return Evaluation(proposal=proposal, number=number, outcome=outcome, values={}, costs=(), samples=0)
    values = {
        objective.name: fmean(METRICS[objective.name].value(trial, result) for trial, result in trained)
        for objective in objectives
    }
    costs = tuple(objective.cost(values[objective.name]) for objective in objectives)
    return Evaluation(
        proposal=proposal, number=number, outcome=Outcome.OK, values=values, costs=costs, samples=len(trained)
    )
