"""Aggregating a proposal's trials into what the proposer is told."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.evaluation.evaluate import evaluate
from nago_orchestrator.evaluation.metrics import METRICS, EndedTrial
from nago_orchestrator.formatting.quantities import UNITS
from nago_trainer.contract.reports import TrialResult

ACCURACY = Objective(name="accuracy", goal=Goal.MAXIMIZE)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE)


def succeeded(accuracy: float, memory: int = 1000, loss: float = 0.5) -> EndedTrial:
    result = TrialResult(
        validation_accuracy=accuracy,
        validation_loss=loss,
        diverged=math.isinf(loss),
        epochs=3,
        seconds=2.0,
        seconds_to_first_step=0.1,
        parameters=900,
        device="cpu",
        network=None,
        balanced_accuracy=0.7,
        macro_f1=0.6,
        top_5=0.9,
        worst_class=0.3,
        custom=1.5,
    )
    return EndedTrial(state=TrialState.SUCCEEDED, result=result, parameters=900, flops=5000, bytes_per_sample=memory)


def without_result(state: TrialState) -> EndedTrial:
    return EndedTrial(state=state, result=None, parameters=900, flops=None, bytes_per_sample=None)


def test_values_are_means_over_the_architectures_and_costs_are_minimised() -> None:
    evaluation = evaluate(7, [succeeded(0.8, 1000), succeeded(0.9, 3000)], [ACCURACY, MEMORY], number=4)
    assert (evaluation.proposal, evaluation.number, evaluation.samples) == (7, 4, 2)
    assert evaluation.outcome is Outcome.OK
    assert evaluation.values == {"accuracy": pytest.approx(0.85), "memory": 2000.0}
    assert evaluation.costs == pytest.approx((-0.85, 2000.0))


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.INFEASIBLE, TrialState.CANCELLED])
def test_trials_without_a_result_do_not_dilute_those_with_one(state: TrialState) -> None:
    evaluation = evaluate(0, [succeeded(0.8), without_result(state)], [ACCURACY], number=0)
    assert evaluation.values == {"accuracy": 0.8}
    assert evaluation.samples == 1


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ([TrialState.INFEASIBLE], Outcome.INFEASIBLE),
        ([TrialState.FAILED, TrialState.INFEASIBLE], Outcome.INFEASIBLE),
        ([TrialState.FAILED], Outcome.LOST),
        ([TrialState.CANCELLED], Outcome.LOST),
    ],
)
def test_without_any_result_only_infeasibility_says_something_about_theta(
    states: list[TrialState], outcome: Outcome
) -> None:
    evaluation = evaluate(0, [without_result(state) for state in states], [ACCURACY], number=0)
    assert evaluation.outcome is outcome
    assert (dict(evaluation.values), evaluation.costs, evaluation.samples) == ({}, (), 0)


def test_a_diverged_training_is_an_evaluation_with_the_worst_values() -> None:
    loss = Objective(name="loss", goal=Goal.MINIMIZE)
    evaluation = evaluate(0, [succeeded(0.0, loss=math.inf)], [ACCURACY, loss], number=0)
    assert evaluation.outcome is Outcome.OK
    assert evaluation.costs == (0.0, math.inf)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 0.75),
        ("error", 0.25),
        ("loss", 0.5),
        ("memory", 1000.0),
        ("parameters", 900.0),
        ("flops", 5000.0),
        ("seconds", 2.0),
        ("balanced_accuracy", 0.7),
        ("macro_f1", 0.6),
        ("top_5", 0.9),
        ("worst_class", 0.3),
        ("custom_score", 1.5),
        ("custom_cost", 1.5),
    ],
)
def test_every_metric_reads_its_own_quantity(name: str, value: float) -> None:
    objective = Objective(name=name, goal=METRICS[name].goal)
    assert evaluate(0, [succeeded(0.75)], [objective], number=0).values == {name: pytest.approx(value)}


def test_all_metrics_are_tested() -> None:
    known = {"accuracy", "error", "loss", "memory", "parameters", "flops", "seconds"}
    assert set(METRICS) == known | {
        "balanced_accuracy",
        "macro_f1",
        "top_5",
        "worst_class",
        "custom_score",
        "custom_cost",
    }


def test_what_an_older_trainer_did_not_measure_is_no_zero() -> None:
    objective = Objective(name="macro_f1", goal=Goal.MAXIMIZE)
    measured = succeeded(0.75)
    assert measured.result is not None
    older = replace(measured, result=replace(measured.result, macro_f1=None))
    assert evaluate(0, [older], [objective], number=0).outcome is Outcome.LOST
    assert evaluate(0, [older, measured], [objective], number=0).values == {"macro_f1": pytest.approx(0.6)}


@pytest.mark.parametrize(("name", "worst"), [("custom_score", 0.0), ("custom_cost", math.inf)])
def test_the_own_objective_of_a_diverged_training_is_the_worst(name: str, worst: float) -> None:
    measured = succeeded(0.0, loss=math.inf)
    assert measured.result is not None
    diverged = replace(measured, result=replace(measured.result, custom=math.nan))
    objective = Objective(name=name, goal=METRICS[name].goal)
    assert evaluate(0, [diverged], [objective], number=0).values == {name: worst}


def test_every_objective_has_a_unit() -> None:
    assert UNITS.keys() == METRICS.keys()
