"""Both searches on a surrogate that is known exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from nago_orchestrator.search.acquisition import usemo
from nago_orchestrator.search.acquisition.batch import Acquisition, AcquisitionOptions, Task, choose_batch
from nago_orchestrator.search.acquisition.ehvi import EhviOptions
from nago_orchestrator.search.acquisition.evolution import EvolutionOptions, Evolved
from nago_orchestrator.search.acquisition.functions import AcquisitionFunction, FunctionOptions
from nago_orchestrator.search.acquisition.inputs import Choice, CostModel, Observations, keys
from nago_orchestrator.search.acquisition.usemo import UsemoOptions
from nago_orchestrator.search.surrogate.port import Array, Prediction
from tests.analytic_surrogate import PLAIN, Bowls, bowls, distance_to_front, observations

EVOLUTION = EvolutionOptions(population=40, generations=15)
CORNERS = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.5]])


def choose(
    given: Observations,
    acquisition: Acquisition,
    gain: AcquisitionFunction = AcquisitionFunction.EXPECTED_IMPROVEMENT,
    count: int = 4,
) -> Choice:
    options = AcquisitionOptions(
        acquisition=acquisition,
        usemo=UsemoOptions(evolution=EVOLUTION, function=FunctionOptions(function=gain)),
        ehvi=EhviOptions(evolution=EVOLUTION, functions=16, random=64),
    )
    cost_model = CostModel(surrogate=Bowls(seen=given.points), learnt=(0, 1))
    return choose_batch(cost_model, given, PLAIN, options, Task(count=count, seed=3))


def smallest_distance(points: Array) -> float:
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    return float(distances[~np.eye(len(points), dtype=bool)].min())


@pytest.mark.parametrize("acquisition", list(Acquisition))
def test_a_batch_lies_near_the_front_and_apart(acquisition: Acquisition) -> None:
    places = choose(observations(np.random.default_rng(0).random((40, 2))), acquisition).search_points
    assert places.shape == (4, 2)
    assert np.median(distance_to_front(places)) < 0.2
    assert smallest_distance(places) > 0.02


@pytest.mark.parametrize("acquisition", list(Acquisition))
def test_the_seed_and_the_evidence_decide(acquisition: Acquisition) -> None:
    first, second = (choose(observations(CORNERS), acquisition).search_points for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("acquisition", list(Acquisition))
def test_pending_points_are_kept_away_from(acquisition: Acquisition) -> None:
    alone = choose(observations(CORNERS), acquisition, count=1).search_points
    beside = choose(observations(CORNERS, pending=alone), acquisition, count=1).search_points
    assert np.linalg.norm(alone - beside) > 0.05


@pytest.mark.parametrize("acquisition", list(Acquisition))
def test_what_was_proposed_is_not_proposed_again(acquisition: Acquisition) -> None:
    given = observations(np.vstack([CORNERS, np.random.default_rng(0).random((30, 2))]))
    chosen = keys(choose(given, acquisition, count=8).search_points)
    assert not given.keys() & set(chosen)
    assert len(set(chosen)) == 8


@pytest.mark.parametrize("acquisition", list(Acquisition))
def test_infeasible_neighbourhoods_are_avoided(acquisition: Acquisition) -> None:
    infeasible = np.array([[0.6, 0.6]]) + np.random.default_rng(0).normal(0, 0.1, (60, 2))
    places = choose(observations(CORNERS[:3], infeasible=infeasible), acquisition).search_points
    assert np.linalg.norm(places - 0.6, axis=1).min() > 0.15


@pytest.mark.parametrize("gain", list(AcquisitionFunction))
def test_every_gain_gives_a_batch(gain: AcquisitionFunction) -> None:
    assert choose(observations(CORNERS), Acquisition.USEMO, gain).search_points.shape == (4, 2)


@dataclass(frozen=True)
class Agreeing(Bowls):
    """Every objective is the first bowl."""

    objectives: int = 1

    def predict(self, points: Array) -> Prediction:
        both = super().predict(points)
        mean, epistemic, aleatoric = (
            np.repeat(part[:, :1], self.objectives, axis=1) for part in (both.mean, both.epistemic, both.aleatoric)
        )
        return Prediction(mean=mean, epistemic=epistemic, aleatoric=aleatoric)

    def draw(self, points: Array, seed: int) -> Array:
        return np.repeat(super().draw(points, seed)[:, :1], self.objectives, axis=1)

    def mean_gradient(self, points: Array) -> Array:
        return np.repeat(super().mean_gradient(points)[:, :1], self.objectives, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", list(Acquisition))
@pytest.mark.parametrize("objectives", [1, 2])
def test_a_batch_keeps_apart_where_objectives_agree_on_one_spot(acquisition: Acquisition, objectives: int) -> None:
    """The first point is the best one; the others look elsewhere."""
    seen = np.random.default_rng(0).random((12, 2))
    given = replace(observations(seen), costs=np.repeat(bowls(seen)[:, :1], objectives, axis=1))
    options = AcquisitionOptions(
        acquisition=acquisition,
        usemo=UsemoOptions(evolution=EVOLUTION),
        ehvi=EhviOptions(evolution=EVOLUTION, functions=16, random=64),
    )
    cost_model = CostModel(surrogate=Agreeing(seen=seen, objectives=objectives), learnt=tuple(range(objectives)))
    places = choose_batch(cost_model, given, PLAIN, options, Task(count=8, seed=3)).search_points
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert distances.max() > 0.1
    assert smallest_distance(places) > 0.01


def test_usemo_takes_a_wide_front_as_nsga2_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what it looked at on its way, though more of that is on the front, and more uncertain."""
    left = np.linspace([0.3, 0.3], [0.7, 0.7], 12)
    passed = np.vstack([left, np.linspace([0.1, 0.1], [0.9, 0.9], 200)])
    # A population that NSGA-II may leave and seldom does.
    monkeypatch.setattr(usemo, "evolve", lambda *_: Evolved(population=left, looked_at=passed))
    chosen = choose(observations(np.array([[0.5, 0.5], [0.5, 0.45]])), Acquisition.USEMO).search_points
    assert set(keys(chosen)) < set(keys(left))


class Flat(Bowls):
    """Knows nothing of anything."""

    def predict(self, points: Array) -> Prediction:
        nothing = np.zeros((len(points), 2))
        return Prediction(mean=nothing, epistemic=nothing, aleatoric=nothing)

    def draw(self, points: Array, seed: int) -> Array:
        return np.zeros((len(points), 2))

    def mean_gradient(self, points: Array) -> Array:
        return np.zeros((len(points), 2, 2))


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", list(Acquisition))
@pytest.mark.parametrize("points", [1, 2, 5, 1000])
def test_a_surrogate_that_knows_nothing_still_gives_a_batch(acquisition: Acquisition, points: int) -> None:
    given = observations(np.random.default_rng(0).random((points, 2)))
    options = AcquisitionOptions(
        acquisition=acquisition,
        usemo=UsemoOptions(evolution=EVOLUTION),
        ehvi=EhviOptions(evolution=EVOLUTION, functions=4, random=64),
    )
    cost_model = CostModel(surrogate=Flat(seen=CORNERS), learnt=(0, 1))
    choice = choose_batch(cost_model, given, PLAIN, options, Task(count=8, seed=3))
    assert len(np.unique(choice.search_points, axis=0)) == 8


class First(Bowls):
    """Of the first bowl alone."""

    def predict(self, points: Array) -> Prediction:
        both = super().predict(points)
        return Prediction(mean=both.mean[:, :1], epistemic=both.epistemic[:, :1], aleatoric=both.aleatoric[:, :1])

    def draw(self, points: Array, seed: int) -> Array:
        return super().draw(points, seed)[:, :1]

    def mean_gradient(self, points: Array) -> Array:
        return super().mean_gradient(points)[:, :1]


@pytest.mark.parametrize("acquisition", list(Acquisition))
def test_a_known_objective_needs_no_surrogate(acquisition: Acquisition) -> None:
    given = observations(CORNERS)
    cost_model = CostModel(
        surrogate=First(seen=CORNERS), learnt=(0,), cheap=(1,), cheap_costs=lambda points: bowls(points)[:, 1:]
    )
    options = AcquisitionOptions(
        acquisition=acquisition, usemo=UsemoOptions(evolution=EVOLUTION), ehvi=EhviOptions(evolution=EVOLUTION)
    )
    places = choose_batch(cost_model, given, PLAIN, options, Task(count=4, seed=3)).search_points
    assert np.median(distance_to_front(places)) < 0.25
