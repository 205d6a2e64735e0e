from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest

from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, PriorEvaluation, Proposal, Theta
from nago_orchestrator.domain.space import IntegerRange, SearchSpace
from nago_orchestrator.errors import SpecError
from nago_orchestrator.search.acquisition.batch import Acquisition, AcquisitionOptions
from nago_orchestrator.search.acquisition.ehvi import EhviOptions
from nago_orchestrator.search.acquisition.evolution import EvolutionOptions
from nago_orchestrator.search.acquisition.usemo import UsemoOptions
from nago_orchestrator.search.proposers.mobo.observations import CheapCosts, CheapObjectives
from nago_orchestrator.search.proposers.mobo.proposer import Mobo
from nago_orchestrator.search.proposers.mobo.settings import MoboOptions, MoboPlan
from nago_orchestrator.search.proposers.port import HistoryError, Pause
from nago_orchestrator.search.proposers.replay import rebuild
from nago_orchestrator.search.surrogate.kinds import fit_gaussian
from nago_orchestrator.search.surrogate.port import Array, Fitted
from nago_trainer.architecture import canonical
from tests.analytic_surrogate import Bowls

EVOLUTION = EvolutionOptions(population=20, generations=4)
OPTIONS = MoboOptions(
    batch=4,
    initial=6,
    acquisition=AcquisitionOptions(
        usemo=UsemoOptions(evolution=EVOLUTION), ehvi=EhviOptions(evolution=EVOLUTION, functions=4, random=32)
    ),
)
Costs = Callable[[Theta], tuple[float, ...]]


def make_plan(space: SearchSpace, proposals: int = 16, options: MoboOptions = OPTIONS) -> MoboPlan:
    return MoboPlan(space=space, study_seed=3, fidelity=60, proposals=proposals, objectives=2, options=options)


def fit_bowls(points: Array, costs: Array, samples: Array, seed: int) -> Fitted:
    return Fitted(surrogate=Bowls(seen=points), notes={"model": "bowls"})


def smooth(theta: Theta) -> tuple[float, ...]:
    return (theta["top_nodes"] + theta["top_p"], theta["top_nodes"] * -1.0 + theta["top_p"] ** 2)


def tell(mobo: Mobo, proposal: Proposal, number: int, costs: tuple[float, ...], outcome: Outcome = Outcome.OK) -> None:
    mobo.tell(Evaluation(proposal=proposal.number, number=number, outcome=outcome, values={}, costs=costs, samples=1))


def search(mobo: Mobo, costs: Costs, outcome: Outcome = Outcome.OK) -> list[Proposal]:
    proposals = list[Proposal]()
    while isinstance(proposal := mobo.ask(), Proposal):
        proposals.append(proposal)
        tell(mobo, proposal, len(proposals) - 1, costs(proposal.theta) if outcome is Outcome.OK else (), outcome)
    return proposals


def forms(proposals: Iterable[Proposal]) -> list[tuple[float, ...]]:
    return [tuple(canonical(proposal.theta).values()) for proposal in proposals]


def test_first_a_design_then_batches_by_the_model(small_space: SearchSpace) -> None:
    mobo = Mobo(make_plan(small_space), fit_bowls)
    proposals = search(mobo, smooth)
    assert [proposal.origin for proposal in proposals] == [Origin.RANDOM] * 6 + [Origin.MODEL] * 10
    assert mobo.ask() is Pause.EXHAUSTED
    assert mobo.facts()["model_based_share"] == 10 / 16
    assert mobo.facts()["points_in_model"] == 14
    assert proposals[6].notes["surrogate"] == {"model": "bowls"}
    assert proposals[6].notes["evaluations"] == 6
    assert len(set(forms(proposals))) == 16


@pytest.mark.slow
def test_what_the_model_expected_is_noted_in_the_users_units(small_space: SearchSpace) -> None:
    """A Gaussian process of smooth costs without noise expects about what then comes."""
    proposals = search(Mobo(make_plan(small_space), fit_gaussian), smooth)
    last = proposals[-1]
    expected = [entry["mean"] for entry in last.notes["prediction"]]
    assert [entry["objective"] for entry in last.notes["prediction"]] == [0, 1]
    assert expected == pytest.approx(smooth(last.theta), abs=1.0)
    assert all(entry["epistemic"] >= 0 and entry["aleatoric"] >= 0 for entry in last.notes["prediction"])
    assert "prediction" not in proposals[0].notes


@pytest.mark.slow
def test_evaluations_from_before_leave_no_design_but_what_a_model_lacks(small_space: SearchSpace) -> None:
    known = search(Mobo(make_plan(small_space), fit_bowls), smooth)[:3]
    prior = tuple(
        PriorEvaluation(theta=item.theta, fidelity=60, outcome=Outcome.OK, costs=smooth(item.theta), samples=1)
        for item in known
    )
    proposals = search(Mobo(make_plan(small_space), fit_bowls, prior=prior), smooth)
    assert {proposal.origin for proposal in proposals} == {Origin.MODEL}


def test_a_batch_follows_from_what_was_known_before_its_first_member(small_space: SearchSpace) -> None:
    """Whatever is told in its middle, and whether or not the proposer was restarted there."""
    proposals, evaluations = list[Proposal](), list[Evaluation]()
    mobo = Mobo(make_plan(small_space), fit_bowls)
    for number in range(10):
        proposal = mobo.ask()
        assert isinstance(proposal, Proposal)
        proposals.append(proposal)
        if number != 4:
            evaluations.append(
                Evaluation(
                    proposal=number,
                    number=len(evaluations),
                    outcome=Outcome.OK,
                    values={},
                    costs=smooth(proposal.theta),
                    samples=1,
                )
            )
            mobo.tell(evaluations[-1])
    restarted = Mobo(make_plan(small_space), fit_bowls)
    rebuild(restarted, proposals[:8], evaluations[: proposals[8].evaluations_before])
    assert restarted.ask() == proposals[8]
    restarted.tell(evaluations[proposals[8].evaluations_before])
    assert restarted.ask() == proposals[9]
    assert proposals[8].notes["pending"] == 1


@pytest.mark.slow
def test_what_is_known_already_replaces_the_design(small_space: SearchSpace) -> None:
    found = search(Mobo(make_plan(small_space), fit_bowls), smooth)[:6]
    prior = tuple(
        PriorEvaluation(theta=proposal.theta, fidelity=60, outcome=Outcome.OK, costs=smooth(proposal.theta), samples=1)
        for proposal in found
    )
    elsewhere = tuple(replace(item, fidelity=30) for item in prior)
    (first, *_) = search(Mobo(make_plan(small_space), fit_bowls, prior=prior), smooth)
    assert first.origin is Origin.MODEL
    assert first.notes["evaluations"] == 6
    (first, *_) = search(Mobo(make_plan(small_space), fit_bowls, prior=elsewhere), smooth)
    assert first.origin is Origin.RANDOM


def test_nothing_is_learnt_from_what_was_lost(small_space: SearchSpace) -> None:
    proposals = search(Mobo(make_plan(small_space), fit_bowls), smooth, Outcome.LOST)
    assert {proposal.notes["evaluations"] for proposal in proposals} == {0}
    assert {proposal.origin for proposal in proposals} == {Origin.RANDOM}


def test_where_everything_is_infeasible_it_goes_on_and_says_why(small_space: SearchSpace) -> None:
    proposals = search(Mobo(make_plan(small_space), fit_bowls), smooth, Outcome.INFEASIBLE)
    assert len(set(forms(proposals))) == 16
    assert proposals[-1].notes["design"] == "too few evaluations for a model"
    assert proposals[-1].notes["infeasible"] == 14


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", list(Acquisition))
@pytest.mark.parametrize(
    "costs",
    [
        lambda theta: (1.0, 1.0),
        lambda theta: (math.nan, theta["top_p"]),
        lambda theta: (math.inf, -math.inf),
        lambda theta: (theta["top_p"] * 1e-9, theta["top_nodes"] * 1e9),
        lambda theta: (theta["top_p"], 0.0),
    ],
    ids=["constant", "nan", "infinite", "scales", "no-spread"],
)
def test_bad_costs_still_give_proposals(small_space: SearchSpace, acquisition: Acquisition, costs: Costs) -> None:
    options = replace(OPTIONS, acquisition=replace(OPTIONS.acquisition, acquisition=acquisition))
    proposals = search(Mobo(make_plan(small_space, 14, options), fit_gaussian), costs)
    assert len(set(forms(proposals))) == 14
    assert proposals[-1].origin is Origin.MODEL


@pytest.mark.parametrize("told", [1, 2, 5])
def test_few_evaluations_are_enough_where_the_user_wants_so(small_space: SearchSpace, told: int) -> None:
    options = replace(OPTIONS, initial=told, least_for_model=1)
    proposals = search(Mobo(make_plan(small_space, told + 4, options), fit_gaussian), smooth)
    assert proposals[-1].origin is Origin.MODEL


def test_a_surrogate_that_gives_no_numbers_is_noted(small_space: SearchSpace) -> None:
    class Broken(Bowls):
        def predict(self, points: Array):  # type: ignore[no-untyped-def]  # as the parent's
            return replace(super().predict(points), mean=np.full((len(points), 2), np.nan))

    mobo = Mobo(
        make_plan(small_space), lambda points, costs, samples, seed: Fitted(surrogate=Broken(seen=points), notes={})
    )
    last = search(mobo, smooth)[-1]
    assert last.origin is Origin.RANDOM
    assert last.notes["design"] == "the surrogate's predictions are not finite"


@pytest.mark.slow
def test_an_exhausted_space_is_gone_through_again(small_space: SearchSpace) -> None:
    tiny = replace(
        small_space,
        dimensions=(IntegerRange(name="top_nodes", low=4, high=9),),
        fixed={**small_space.fixed, "top_p": 0.5},
    )
    proposals = search(Mobo(make_plan(tiny, 18), fit_gaussian), smooth)
    assert len(set(forms(proposals[:6]))) == 6
    assert not proposals[5].notes["repeats"]
    assert proposals[10].notes["repeats"]


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", list(Acquisition))
def test_every_generator_of_a_finite_space_comes_before_any_comes_again(
    small_space: SearchSpace, acquisition: Acquisition
) -> None:
    """42 of them, which no number of batches of four divides."""
    integers = (
        IntegerRange(name="top_nodes", low=4, high=9),
        IntegerRange(name="bottom_nodes", low=4, high=10),
    )
    space = replace(
        small_space,
        dimensions=integers,
        fixed={name: value for name, value in small_space.fixed.items() if name != "bottom_nodes"} | {"top_p": 0.5},
    )
    options = replace(OPTIONS, initial=7, acquisition=replace(OPTIONS.acquisition, acquisition=acquisition))
    mobo = Mobo(make_plan(space, 46, options), fit_bowls)
    proposals = search(mobo, lambda theta: (theta["top_nodes"], -theta["bottom_nodes"] + theta["top_nodes"] ** 2))
    assert len(set(forms(proposals[:42]))) == 42
    assert [proposal.notes["repeats"] for proposal in proposals[39:]] == [True] * 7
    assert not proposals[38].notes["repeats"]


@pytest.mark.slow
def test_what_cannot_be_trained_is_known_at_any_fidelity(small_space: SearchSpace) -> None:
    found = search(Mobo(make_plan(small_space), fit_bowls), smooth)
    bad = [item for item in found if item.theta["top_p"] > 0.5]
    elsewhere = tuple(
        PriorEvaluation(theta=item.theta, fidelity=30, outcome=Outcome.INFEASIBLE, costs=(), samples=1) for item in bad
    )
    here = tuple(
        PriorEvaluation(theta=item.theta, fidelity=60, outcome=Outcome.OK, costs=smooth(item.theta), samples=1)
        for item in found
        if item not in bad
    )
    (first, *_) = search(Mobo(make_plan(small_space), fit_bowls, prior=(*elsewhere, *here)), smooth)
    assert first.notes["infeasible"] == len(bad) > 0
    assert first.notes["evaluations"] == len(here)


def test_it_waits_for_what_is_pending_rather_than_begin_without_a_model(small_space: SearchSpace) -> None:
    """Three evaluations make a model of two dimensions, and the third is under way."""
    options = replace(OPTIONS, initial=3)
    mobo = Mobo(make_plan(small_space, options=options), fit_bowls)
    design = [mobo.ask() for _ in range(3)]
    assert mobo.ask() is Pause.WAITING
    for number, proposal in enumerate(design):
        assert isinstance(proposal, Proposal)
        assert mobo.ask() is Pause.WAITING
        tell(mobo, proposal, number, smooth(proposal.theta))
    following = mobo.ask()
    assert isinstance(following, Proposal)
    assert following.origin is Origin.MODEL


@pytest.mark.slow
@pytest.mark.parametrize("initial", [1, 2, 3])
def test_the_design_is_never_smaller_than_what_a_model_needs(small_space: SearchSpace, initial: int) -> None:
    """A smaller one would be followed by a whole batch without a model."""
    proposals = search(Mobo(make_plan(small_space, options=replace(OPTIONS, initial=initial)), fit_bowls), smooth)
    assert [proposal.origin for proposal in proposals[:4]] == [Origin.RANDOM] * 3 + [Origin.MODEL]


def test_it_does_not_wait_for_what_cannot_be_enough(small_space: SearchSpace) -> None:
    mobo = Mobo(make_plan(small_space, options=replace(OPTIONS, initial=3)), fit_bowls)
    design = [mobo.ask() for _ in range(3)]
    assert isinstance(design[0], Proposal)
    tell(mobo, design[0], 0, (), Outcome.INFEASIBLE)
    following = mobo.ask()
    assert isinstance(following, Proposal)
    assert following.origin is Origin.RANDOM


def test_a_known_objective_is_not_learnt(small_space: SearchSpace) -> None:
    widths, asked = list[int](), list[int]()

    def fit(points: Array, costs: Array, samples: Array, seed: int) -> Fitted:
        widths.append(costs.shape[1])
        return fit_gaussian(points, costs, samples, seed)

    def cheap_costs() -> CheapCosts:
        asked.append(1)
        return CheapCosts(at=lambda points: points[:, :1], notes={"model": "its own coordinate"})

    proposals = search(
        Mobo(make_plan(small_space), fit, cheap=CheapObjectives(indices=(1,), costs=cheap_costs)), smooth
    )
    assert set(widths) == {1}
    assert asked == [1]
    assert proposals[-1].notes["known"] == {"model": "its own coordinate"}


def test_nothing_to_search_or_to_learn_is_refused(small_space: SearchSpace) -> None:
    fixed = replace(small_space, dimensions=(), fixed={**small_space.fixed, "top_nodes": 5, "top_p": 0.5})
    with pytest.raises(SpecError, match="needs a hyperparameter to search, but all are fixed"):
        Mobo(make_plan(fixed), fit_bowls)
    known = CheapObjectives(indices=(0, 1), costs=lambda: CheapCosts(at=lambda points: points))
    with pytest.raises(SpecError, match="needs an objective to learn"):
        Mobo(make_plan(small_space), fit_bowls, cheap=known)


def test_another_number_of_costs_is_refused(small_space: SearchSpace) -> None:
    mobo = Mobo(make_plan(small_space), fit_bowls)
    proposal = mobo.ask()
    assert isinstance(proposal, Proposal)
    with pytest.raises(HistoryError, match="3 costs where the study has 2"):
        tell(mobo, proposal, 0, (1.0, 2.0, 3.0))
    with pytest.raises(HistoryError, match="does not fit a search"):
        Mobo(make_plan(small_space), fit_bowls).record(replace(proposal, fidelity=30))
