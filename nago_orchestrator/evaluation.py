"""From the trials of a proposal to the one evaluation that the proposer is told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

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


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric(Goal.MAXIMIZE, "fraction", lambda trial, result: result.validation_accuracy),
    "error": Metric(Goal.MINIMIZE, "fraction", lambda trial, result: 1.0 - result.validation_accuracy),
    "loss": Metric(Goal.MINIMIZE, "nats", lambda trial, result: result.validation_loss),
    "memory": Metric(Goal.MINIMIZE, "bytes per sample", lambda trial, result: float(trial.bytes_per_sample or 0)),
    "parameters": Metric(Goal.MINIMIZE, "count", lambda trial, result: float(trial.parameters)),
    "flops": Metric(Goal.MINIMIZE, "per sample", lambda trial, result: float(trial.flops or 0)),
    "seconds": Metric(Goal.MINIMIZE, "seconds", lambda trial, result: result.seconds),
}

KNOWN_BEFORE_TRAINING = ("memory", "parameters", "flops")
"""Metrics that follow from the architecture alone."""


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
