from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import EvaluationRow, TrialRow
from nago_orchestrator.evaluation.generator_results import (
    best_generator,
    compared_fidelity,
    found_generators,
    merge_generators,
    searched,
    trial_value,
)
from tests.rows import evaluation_row, trial_row

ERROR = Objective(name="error", goal=Goal.MINIMIZE)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE)


def evaluation(proposal: int, *, k: int = 2, **changes: Any) -> EvaluationRow:
    return evaluation_row(proposal, theta={"k": k}, canonical_theta={"k": 2 * (k // 2)}, **changes)


def trial(proposal: int, accuracy: float | None) -> TrialRow:
    return trial_row(proposal, validation_accuracy=accuracy)


def test_evaluations_of_one_canonical_theta_are_one_generator() -> None:
    rows = [evaluation(0, k=2), evaluation(1, k=4), evaluation(2, k=3)]
    found = found_generators(rows, [trial(0, 0.9), trial(2, 0.8), trial(1, 0.7)], ERROR, 4)
    assert [item.proposals for item in found] == [(0, 2), (1,)]
    assert found[0].mean == pytest.approx(0.15)
    assert found[0].deviation == pytest.approx(math.sqrt(0.005))
    assert found[1].deviation is None


def test_networks_of_one_proposal_have_a_spread_too() -> None:
    found = found_generators([evaluation(0, samples=3)], [trial(0, 0.9), trial(0, 0.8), trial(0, None)], ERROR, 4)
    assert found[0].networks == 3
    assert found[0].values == pytest.approx((0.1, 0.2))


def test_full_training_other_fidelities_and_what_was_lost_do_not_count() -> None:
    rows = [
        evaluation(0),
        evaluation(1, fidelity=8),
        evaluation(2, final_training=True),
        evaluation(3, outcome=Outcome.LOST),
    ]
    assert [item.proposals for item in found_generators(rows, [], ERROR, 4)] == [(0,)]
    assert [row.proposal for row in searched(rows)] == [0, 1, 3]


def told(proposal: int, error: float, memory: float, *, k: int, samples: int = 1) -> EvaluationRow:
    return evaluation(proposal, k=k, samples=samples, objective_values={"error": error, "memory": memory})


def test_repeats_of_a_generator_are_one_row_with_the_mean_over_its_networks() -> None:
    rows = [told(0, 0.1, 5.0, k=2), told(1, 0.3, 7.0, k=4), told(2, 0.5, 9.0, k=3, samples=3)]
    first, second = merge_generators(rows, (ERROR, MEMORY), 4)
    assert (first.proposal, first.proposals, first.samples) == (0, (0, 2), 4)
    assert first.objective_values == pytest.approx({"error": 0.4, "memory": 8.0})
    assert (first.cost_1, first.cost_2) == pytest.approx((0.4, 8.0))
    assert second.objective_values == rows[1].objective_values
    best = best_generator([first, second])
    assert best is not None
    assert best.proposal == 1


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([], None),
        ([(0.2, 1.0), (0.1, 9.0)], 1),
        ([(0.1, 9.0), (0.1, 1.0), (0.1, 1.0)], 1),
        ([(math.nan, 0.0), (math.inf, 5.0)], 1),
        ([(math.nan, 2.0), (math.nan, 1.0)], 1),
    ],
)
def test_of_equals_the_next_objective_decides_then_the_order(
    costs: list[tuple[float, float]], expected: int | None
) -> None:
    rows = [told(number, *pair, k=2 * number) for number, pair in enumerate(costs)]
    best = best_generator(merge_generators(rows, (ERROR, MEMORY), 4))
    assert (best and best.proposal) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        ([evaluation(0, outcome=Outcome.INFEASIBLE)], None),
        ([evaluation(0, fidelity=2), evaluation(1, fidelity=8)], 8),
        ([evaluation(0, fidelity=8), evaluation(1, fidelity=4, phase=1)], 4),
        ([evaluation(0, fidelity=4), evaluation(1, fidelity=30, final_training=True)], 4),
    ],
)
def test_compared_is_the_highest_fidelity_of_the_newest_phase(rows: list[EvaluationRow], expected: int | None) -> None:
    assert compared_fidelity(rows) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("accuracy", 0.75), ("error", 0.25), ("loss", None), ("memory", 100.0), ("parameters", 7.0), ("flops", None)],
)
def test_a_networks_value_is_read_from_its_trial(name: str, expected: float | None) -> None:
    assert trial_value(replace(trial(0, 0.75), validation_loss=math.inf), name) == expected


def test_a_trial_without_a_result_has_no_value() -> None:
    assert trial_value(trial(0, None), "memory") is None
