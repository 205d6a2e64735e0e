from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.report.figures.predictions import predictions, predictions_of
from tests.rows import evaluation_row

ACCURACY = Objective(name="accuracy", goal=Goal.MAXIMIZE)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE)


def row(proposal: int, observed: float, mean: float, samples: int = 1) -> EvaluationRow:
    prediction = [{"objective": 0, "mean": mean, "epistemic": 0.03, "aleatoric": 0.04}]
    return evaluation_row(
        proposal,
        samples=samples,
        objective_values={"accuracy": observed, "memory": 5.0},
        notes={"prediction": prediction},
    )


def test_costs_become_values_again_and_both_variances_count() -> None:
    (found,) = predictions_of([row(0, 0.9, -0.85)], (ACCURACY, MEMORY), 0)
    assert (found.predicted, found.observed) == (0.85, 0.9)
    assert found.deviation == pytest.approx(0.05)
    assert found.is_inside


def test_a_mean_of_many_networks_has_less_noise() -> None:
    (found,) = predictions_of([row(0, 0.9, -0.85, samples=16)], (ACCURACY, MEMORY), 0)
    assert found.deviation == pytest.approx(0.0316, abs=1e-4)


def test_the_title_counts_what_lies_within() -> None:
    rows = [row(number, 0.9, -0.9) for number in range(3)] + [row(3, 0.5, -0.9), row(4, float("nan"), -0.9)]
    panel = predictions(rows, (ACCURACY, MEMORY))
    assert panel is not None
    assert panel.figure is not None
    assert panel.figure.layout.annotations[0].text == "accuracy: 3 of 4 in 90 %"
    assert panel.table is not None
    assert [cells[-1] for cells in panel.table.rows] == ["yes", "yes", "yes", "no"]


@pytest.mark.parametrize(
    ("observed", "verdict"),
    [
        (
            lambda number: 0.5 + 0.01 * number,
            "The predictions of accuracy rank these thetas better than chance: rank correlation 1.00 over 24",
        ),
        (
            lambda number: 0.9 - 0.01 * number,
            "The predictions of accuracy do not rank these thetas: rank correlation -1.00",
        ),
        (
            lambda number: 0.5 + 0.01 * (number * 7 % 24),
            "Too few thetas to say whether the predictions of accuracy rank them: rank",
        ),
    ],
)
def test_one_sentence_says_whether_the_model_ranks(observed: Callable[[int], float], verdict: str) -> None:
    panel = predictions(
        [row(number, observed(number), -0.5 - 0.01 * number) for number in range(24)], (ACCURACY, MEMORY)
    )
    assert panel is not None
    assert str(panel.note).startswith(verdict)


def test_of_few_thetas_nothing_is_said_about_ranks() -> None:
    panel = predictions([row(number, 0.9, -0.9) for number in range(3)], (ACCURACY, MEMORY))
    assert panel is not None
    assert panel.note == "No rank correlation for accuracy: 3 thetas are too few, or their values are equal."


@pytest.mark.parametrize(("predicted", "arm"), [(0.02, 0.02), (-0.01, 0.0), (0.5, 0.0822)])
def test_no_interval_is_drawn_below_zero(predicted: float, arm: float) -> None:
    panel = predictions([row(0, 0.9, -predicted)], (ACCURACY, MEMORY))
    assert panel is not None
    assert panel.figure is not None
    bars = panel.figure.data[1].error_x
    assert bars.arrayminus[0] == pytest.approx(arm, abs=1e-4)
    assert bars.array[0] == pytest.approx(0.0822, abs=1e-4)


def test_without_predictions_there_is_no_panel() -> None:
    rows = [replace(row(0, 0.9, -0.9), notes=notes) for notes in (None, {}, {"design": "initial"})]
    assert predictions(rows, (ACCURACY, MEMORY)) is None
