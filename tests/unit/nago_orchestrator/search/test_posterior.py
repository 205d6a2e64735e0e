"""Beliefs of a real surrogate, a Gaussian process, about a space in which the truth is known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Theta
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.domain.space import FloatRange, IntegerRange, SearchSpace
from nago_orchestrator.evaluation.generator_results import found_generators
from nago_orchestrator.search import posterior
from nago_orchestrator.search.posterior import FittedPosterior, fit_posterior, hyperparameter_effects, rank_generators
from nago_orchestrator.search.surrogate.gaussian_process import fit_gaussian_processes
from nago_orchestrator.search.surrogate.port import Array, Fitted
from nago_trainer.architecture import canonical
from tests.rows import evaluation_row

ACCURACY = Objective(name="accuracy", goal=Goal.MAXIMIZE)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE)


def fit(points: Array, costs: Array, samples: Array, seed: int) -> Fitted:
    notes = {"objectives": [{"problem": "made up" if len(points) < 10 else None}]}
    return Fitted(surrogate=fit_gaussian_processes(points, costs, samples, seed=seed), notes=notes)


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what a report averages over, for speed."""
    monkeypatch.setattr(posterior, "BACKGROUND", 12)
    monkeypatch.setattr(posterior, "FUNCTIONS", 12)


@pytest.fixture
def space(paper_space: SearchSpace) -> SearchSpace:
    """Two dimensions: one of integers, one of floats."""
    middle = {item.name: math.floor((item.low + item.high) / 2) for item in paper_space.dimensions}
    fixed = {**paper_space.fixed, **middle, "mid_p": 0.5, "bottom_p": 0.5}
    del fixed["top_nodes"], fixed["top_p"]
    dimensions = (IntegerRange(name="top_nodes", low=5, high=10), FloatRange(name="top_p", low=0.1, high=0.9))
    return SearchSpace(generator="hnag", connected=False, dimensions=dimensions, fixed=fixed)


def row(proposal: int, theta: Theta, accuracy: float, memory: float | None) -> EvaluationRow:
    return evaluation_row(
        proposal,
        theta=theta,
        canonical_theta=canonical(theta),
        objective_values={"accuracy": accuracy, "memory": memory},
        cost_1=-accuracy,
        cost_2=memory,
    )


def made_rows(space: SearchSpace, count: int, noise: float = 0.002) -> list[EvaluationRow]:
    """Accuracy rises with top_p alone, memory with top_nodes alone."""
    rng = np.random.default_rng(0)
    thetas = [space.sample(rng) for _ in range(count)]
    return [
        row(number, theta, 0.8 + 0.1 * theta["top_p"] + rng.normal(0, noise), 1e5 * theta["top_nodes"])
        for number, theta in enumerate(thetas)
    ]


def fitted_to(space: SearchSpace, rows: list[EvaluationRow]) -> FittedPosterior:
    return fit_posterior(rows, [ACCURACY, MEMORY], space, fit, seed=3)


def test_effects_are_those_of_the_truth_in_the_users_units(space: SearchSpace) -> None:
    found = hyperparameter_effects(fitted_to(space, made_rows(space, 40)), space)
    effects = {(effect.hyperparameter, effect.objective): effect for effect in found}
    assert len(effects) == 4
    rising = effects["top_p", "accuracy"]
    assert rising.mean[0] == pytest.approx(0.81, abs=0.01)
    assert rising.mean[-1] == pytest.approx(0.89, abs=0.01)
    assert effects["top_nodes", "memory"].at == tuple(range(5, 11))
    assert effects["top_nodes", "memory"].mean == pytest.approx([1e5 * nodes for nodes in range(5, 11)], rel=0.05)
    assert effects["top_nodes", "accuracy"].range < 0.2 * rising.range
    assert all(0 <= deviation < 0.02 for deviation in rising.deviation)


@pytest.mark.slow
def test_few_evaluations_leave_more_doubt(space: SearchSpace) -> None:
    rows = made_rows(space, 60, noise=0.02)
    few, many = (
        next(e for e in hyperparameter_effects(fitted_to(space, own), space) if e.hyperparameter == "top_p")
        for own in (rows[:8], rows)
    )
    assert np.mean(few.deviation) > np.mean(many.deviation)


def test_the_ranking_follows_the_mean_and_not_the_luckiest(space: SearchSpace) -> None:
    rows = made_rows(space, 40, noise=0.0)
    poor = min(rows, key=lambda found: found.theta["top_p"])
    lucky = row(40, poor.theta, 0.95, poor.cost_2)
    rows = [*rows, *[replace(row(41 + k, poor.theta, 0.81, poor.cost_2), samples=4) for k in range(3)], lucky]
    ranked = rank_generators(fitted_to(space, rows), found_generators(rows, [], ACCURACY, 4))
    assert [belief.mean for belief in ranked] == sorted((belief.mean for belief in ranked), reverse=True)
    best = max(rows[:40], key=lambda found: found.theta["top_p"])
    assert ranked[0].found.proposals == (best.proposal,)
    unlucky = next(belief for belief in ranked if 40 in belief.found.proposals)
    assert unlucky.mean < 0.85
    assert unlucky.observed == pytest.approx((poor.objective_values["accuracy"] + 0.95 + 12 * 0.81) / 14)
    assert all(belief.epistemic > 0 and belief.aleatoric > 0 for belief in ranked)


def test_of_very_many_evaluations_some_are_taken_evenly(space: SearchSpace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posterior, "MOST_EVALUATIONS", 5)  # thousands take minutes
    fitted = fitted_to(space, made_rows(space, 21))
    assert [found.proposal for found in fitted.rows] == [0, 5, 10, 15, 20]
    assert fitted.problem == "made up"


def test_the_same_rows_give_the_same_beliefs(space: SearchSpace) -> None:
    first, second = (hyperparameter_effects(fitted_to(space, made_rows(space, 12)), space) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("diagnostics", "expected"),
    [
        ({}, None),
        ({"objectives": [{"problem": None}, {"problem": "The chains diverged."}]}, "The chains diverged."),
        ({"objectives": [{"problem": None}]}, None),
    ],
)
def test_a_fits_problem_is_its_first_complaint(diagnostics: dict[str, Any], expected: str | None) -> None:
    surrogate = fit_gaussian_processes(np.zeros((1, 1)), np.zeros((1, 1)), np.ones(1), seed=0)
    assert Fitted(surrogate=surrogate, notes=diagnostics).problem == expected
