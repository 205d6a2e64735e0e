from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Theta
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.mobo.cheap_objectives import (
    CheapModel,
    cheap_from_samples,
    cheap_indices,
    fit_cheap_costs,
)

OBJECTIVES = [Objective(name=name, goal=Goal.MINIMIZE) for name in ("error", "memory", "flops")]


def drawn(theta: Theta, seed: int) -> tuple[float, ...]:
    """Log-normal around a mean that the model has to find."""
    noise = np.random.default_rng(seed).normal(0, 0.1)
    return (1e6 * theta["top_nodes"] ** 2 * np.exp(theta["mid_p"] + noise), -5.0 * theta["mid_nodes"])


def test_what_is_known_can_be_learnt_all_the_same() -> None:
    assert cheap_indices(OBJECTIVES) == (1, 2)
    assert cheap_indices(OBJECTIVES, ["memory"]) == (2,)


@pytest.mark.slow
def test_the_model_finds_the_means_of_generators(paper_space: SearchSpace) -> None:
    known = fit_cheap_costs(paper_space, 1, 2, drawn, 200)
    model = known.at
    rng = np.random.default_rng(9)
    thetas = [paper_space.sample(rng) for _ in range(100)]
    points = Encoding(paper_space).encode(thetas)
    means = np.array([drawn(theta, 0) for theta in thetas])[:, 1]
    found = model(points)
    expected = np.array([1e6 * theta["top_nodes"] ** 2 * np.exp(theta["mid_p"] + 0.005) for theta in thetas])
    assert np.median(np.abs(found[:, 0] / expected - 1)) < 0.05
    assert np.median(np.abs(found[:, 1] / means - 1)) < 0.05
    assert isinstance(model, CheapModel)
    assert np.median(model.relative_deviation(points)[:, 0]) == pytest.approx(0.1, rel=0.3)
    assert known.notes["trainable"] == 200
    assert known.notes["spread"][0] == pytest.approx(0.1, rel=0.3)


@pytest.mark.slow
def test_the_same_study_has_the_same_model(paper_space: SearchSpace) -> None:
    points = np.random.default_rng(0).random((5, 8))
    first, second, other = (
        cheap_from_samples(paper_space, seed, (1, 2), drawn, draws=40).costs().at(points) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_infeasible_draws_teach_nothing(paper_space: SearchSpace) -> None:
    known = fit_cheap_costs(paper_space, 1, 2, lambda theta, seed: None, 20)
    np.testing.assert_array_equal(known.at(np.zeros((3, 8))), 0.0)
    assert known.notes == {"draws": 20, "trainable": 0, "model": None}
