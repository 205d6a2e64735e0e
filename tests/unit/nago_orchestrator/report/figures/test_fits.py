from __future__ import annotations

from typing import Any

import pytest

from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.report.figures.fits import MOST_SPANS, Fitting, fittings, origins
from tests.rows import evaluation_row


def fit(seed: int) -> dict[str, Any]:
    return {"fits": 1, "seed": seed, "objectives": [{"problem": None}]}


def row(proposal: int, surrogate: dict[str, Any] | None, design: str | None = None) -> EvaluationRow:
    notes = {"evaluations": 10 + proposal, "surrogate": surrogate, "design": design}
    return evaluation_row(proposal, notes={key: value for key, value in notes.items() if value is not None})


def test_one_fit_for_each_batch_by_its_first_proposal() -> None:
    assert [
        (found.first_proposal, found.evaluations)
        for found in fittings([row(0, None, "initial"), row(3, fit(2)), row(1, fit(1)), row(2, fit(1)), row(4, fit(3))])
    ] == [(1, 11), (3, 13), (4, 14)]


@pytest.mark.parametrize(
    ("own", "remarks"),
    [
        ({"effective_samples": 50.0, "overheated": 0.1, "coverage_50": 0.6}, []),
        ({"effective_samples": 8.4}, ["small effective sample size: 8"]),
        ({"overheated": 0.35}, ["35% of the posterior samples discarded"]),
        ({"coverage_50": 0.92}, ["wide intervals: the 50 % interval covers 92%"]),
        ({"coverage_50": 0.92, "problem": "The chains diverged."}, ["The chains diverged."]),
        ({"r_hat": None, "effective_samples": None}, []),
    ],
)
def test_what_weakens_a_fit_is_remarked(own: dict[str, Any], remarks: list[str]) -> None:
    made = Fitting(first_proposal=0, evaluations=20, fits=1, objectives=[own])
    assert made.remarks(own) == remarks


def test_of_few_evaluations_wide_intervals_say_nothing() -> None:
    own = {"coverage_50": 1.0}
    assert Fitting(first_proposal=0, evaluations=5, fits=1, objectives=[own]).remarks(own) == []


def test_proposals_without_a_model_are_told_with_the_reason() -> None:
    rows = [
        evaluation_row(0),
        *(row(number, None, "initial") for number in (1, 2, 3)),
        row(4, fit(1)),
        row(5, fit(2), "the surrogate's predictions are not finite"),
        row(6, fit(3)),
    ]
    assert origins(rows[::-1]) == (
        "Proposal 4 is the first that a model made. Without a model: 1 to 3 (initial design), "
        "5 (the surrogate's predictions are not finite)."
    )


def test_a_search_that_never_had_a_model_says_so_and_another_says_nothing() -> None:
    rows = [row(0, None, "initial"), row(1, None, "too few evaluations for a model")]
    assert str(origins(rows)).startswith(
        "No proposal was made by a model. Without a model: 0 (initial design), 1 (too few"
    )
    assert origins([evaluation_row(0), evaluation_row(1, notes={"random": "fraction"})]) is None


def test_many_groups_are_not_all_told() -> None:
    rows = [row(number, fit(number), "not finite" if number % 2 else None) for number in range(2 * MOST_SPANS + 4)]
    assert str(origins(rows)).endswith("and 2 other groups.")
