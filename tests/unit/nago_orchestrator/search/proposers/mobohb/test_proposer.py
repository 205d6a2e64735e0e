from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from nago_orchestrator.domain.generator_key import generator_key
from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.errors import SpecError
from nago_orchestrator.search.proposers.mobohb.proposer import Mobohb
from nago_orchestrator.search.proposers.port import HistoryError, Pause
from nago_orchestrator.search.proposers.replay import rebuild, verify
from nago_trainer.architecture import canonical

Costs = Callable[[Proposal], tuple[float, ...]]


def mobohb(space: SearchSpace, brackets: int = 40, prior: tuple[PriorEvaluation, ...] = ()) -> Mobohb:
    return Mobohb(space=space, study_seed=4, fidelities=(30, 60, 120), brackets=brackets, prior=prior)


def evaluation(proposal: Proposal, number: int, outcome: Outcome, *costs: float) -> Evaluation:
    return Evaluation(proposal=proposal.number, number=number, outcome=outcome, values={}, costs=costs, samples=1)


def two_costs(proposal: Proposal) -> tuple[float, ...]:
    nodes, p = float(proposal.theta["top_nodes"]), float(proposal.theta["top_p"])
    return nodes + 10 * p + 30 / proposal.fidelity, -nodes + 10 * p


def ask(proposer: Mobohb) -> Proposal:
    proposal = proposer.ask()
    assert isinstance(proposal, Proposal)
    return proposal


def run(
    proposer: Mobohb, steps: int, *, in_flight: int = 3, costs: Costs = two_costs, told: int = 0
) -> tuple[list[Proposal], list[Evaluation]]:
    """With every outcome among them, told newest first."""
    proposals, evaluations, running = list[Proposal](), list[Evaluation](), list[Proposal]()
    for number in range(told, told + steps):
        while len(running) < in_flight:
            running.append(ask(proposer))
            proposals.append(running[-1])
        outcome = {3: Outcome.INFEASIBLE, 8: Outcome.LOST}.get(number % 11, Outcome.OK)
        values = costs(running[-1]) if outcome is Outcome.OK else ()
        values = (math.nan, *values[1:]) if number % 13 == 5 and values else values
        evaluations.append(evaluation(running.pop(), number, outcome, *values))
        proposer.tell(evaluations[-1])
    return proposals, evaluations


@pytest.mark.parametrize("in_flight", [1, 5])
def test_a_rebuilt_proposer_goes_on_as_the_living_one(small_space: SearchSpace, in_flight: int) -> None:
    living, rebuilt = mobohb(small_space), mobohb(small_space)
    proposals, evaluations = run(living, 60, in_flight=in_flight)
    rebuild(rebuilt, proposals, evaluations)
    assert rebuilt.facts() == living.facts()
    following = [ask(living) for _ in range(5)]
    assert [ask(rebuilt) for _ in range(5)] == following
    assert verify(mobohb(small_space), proposals, evaluations) == ()
    assert {proposal.origin for proposal in proposals} == {Origin.RANDOM, Origin.MODEL, Origin.PROMOTION}


def test_a_promotion_continues_its_parent_at_the_next_fidelity_once(small_space: SearchSpace) -> None:
    proposals, evaluations = run(mobohb(small_space), 80)
    promotions = [proposal for proposal in proposals if proposal.origin is Origin.PROMOTION]
    outcomes = {item.proposal: item for item in evaluations}
    assert promotions
    assert len({proposal.parent for proposal in promotions}) == len(promotions)
    for proposal in promotions:
        assert proposal.parent is not None
        parent = proposals[proposal.parent]
        assert (parent.theta, parent.fidelity * 2) == (proposal.theta, proposal.fidelity)
        told = outcomes[parent.number]
        assert told.outcome is Outcome.OK
        assert all(map(math.isfinite, told.costs))


def test_no_theta_is_proposed_twice_but_by_promotion(small_space: SearchSpace) -> None:
    proposals, _ = run(mobohb(small_space), 80)
    keys = [
        generator_key(canonical(proposal.theta)) for proposal in proposals if proposal.origin is not Origin.PROMOTION
    ]
    assert len(set(keys)) == len(keys)


def test_the_front_of_a_rung_is_promoted(small_space: SearchSpace) -> None:
    proposer = mobohb(small_space)
    costs = [(0.0, 9.0), (5.0, 5.0), (6.0, 6.0), (9.0, 0.0)]
    for number, values in enumerate(costs):
        proposer.tell(evaluation(ask(proposer), number, Outcome.OK, *values))
    parents = {ask(proposer).parent, ask(proposer).parent}
    assert len(parents) == 2
    assert parents <= {0, 1, 3}


def test_slots_are_never_wasted_on_waiting(small_space: SearchSpace) -> None:
    proposer = mobohb(small_space)
    assert all(isinstance(proposer.ask(), Proposal) for _ in range(30))


def test_a_lost_evaluation_teaches_nothing_but_frees_the_rung(small_space: SearchSpace) -> None:
    proposer = mobohb(small_space, brackets=1)
    for number in range(4):
        proposer.tell(evaluation(ask(proposer), number, Outcome.LOST))
    fresh = ask(proposer)
    assert (fresh.fidelity, fresh.parent, fresh.origin) == (60, None, Origin.RANDOM)
    assert fresh.notes["random"] == "0 of 6 evaluated thetas"


def test_it_waits_for_the_last_results_and_then_ends(small_space: SearchSpace) -> None:
    proposer = mobohb(small_space, brackets=1)
    first = [ask(proposer) for _ in range(4)]
    assert proposer.ask() is Pause.WAITING
    for number, proposal in enumerate(first):
        proposer.tell(evaluation(proposal, number, Outcome.OK, *two_costs(proposal)))
    second = [ask(proposer), ask(proposer)]
    assert proposer.ask() is Pause.WAITING
    for number, proposal in enumerate(second, start=4):
        proposer.tell(evaluation(proposal, number, Outcome.OK, *two_costs(proposal)))
    assert ask(proposer).fidelity == 120
    assert proposer.ask() is Pause.EXHAUSTED


@pytest.mark.parametrize(
    "costs",
    [
        lambda proposal: (1.0, 1.0),
        lambda proposal: (1.0, float(proposal.theta["top_p"])),
        lambda proposal: (math.nan, math.inf),
        lambda proposal: (1e-9 * float(proposal.theta["top_p"]), -1e9 * float(proposal.theta["top_nodes"])),
        lambda proposal: (float(proposal.theta["top_p"]), 1.0, -float(proposal.theta["top_nodes"])),
        lambda proposal: (float(proposal.theta["top_p"]),),
    ],
    ids=["constant", "one constant", "nothing finite", "scales", "three objectives", "one objective"],
)
def test_a_proposal_comes_whatever_the_costs_are(small_space: SearchSpace, costs: Costs) -> None:
    proposals, _ = run(mobohb(small_space), 50, costs=costs)
    assert all(proposal.notes for proposal in proposals)


def prior_evaluations(space: SearchSpace, fidelity: int) -> tuple[PriorEvaluation, ...]:
    rng = np.random.default_rng(0)
    thetas = [space.sample(rng) for _ in range(40)]
    return tuple(
        PriorEvaluation(
            theta=theta,
            fidelity=fidelity,
            outcome=Outcome.OK if number % 5 else Outcome.INFEASIBLE,
            costs=(float(theta["top_p"]), float(theta["top_p"])) if number % 5 else (),
            samples=1,
        )
        for number, theta in enumerate(thetas)
    )


@pytest.mark.parametrize("fidelity", [30, 120, 7])
def test_a_warm_start_teaches_the_densities_and_takes_no_place(small_space: SearchSpace, fidelity: int) -> None:
    prior = prior_evaluations(small_space, fidelity)
    proposer = mobohb(small_space, prior=prior)
    first = [ask(proposer) for _ in range(12)]
    by_model = [proposal for proposal in first if proposal.origin is Origin.MODEL]
    assert len(by_model) > 5
    assert np.median([float(proposal.theta["top_p"]) for proposal in by_model]) < 0.25
    assert not any(proposal.origin is Origin.PROMOTION for proposal in first)
    assert proposer.facts()["planned_proposals"] == mobohb(small_space).facts()["planned_proposals"]
    assert not {generator_key(canonical(item.theta)) for item in prior} & {
        generator_key(canonical(proposal.theta)) for proposal in first
    }


def test_a_space_with_nothing_to_search_is_refused(small_space: SearchSpace) -> None:
    fixed = {**small_space.fixed, "top_nodes": 5, "top_p": 0.5}
    with pytest.raises(SpecError, match="needs a hyperparameter to search, but all are fixed"):
        mobohb(replace(small_space, dimensions=(), fixed=fixed))


@pytest.mark.parametrize("change", [{"fidelity": 60}, {"bracket": 1}, {"slot": 2}, {"parent": 0}, {"theta": {}}])
def test_a_stored_proposal_that_does_not_follow_is_refused(small_space: SearchSpace, change: dict[str, object]) -> None:
    stored = replace(ask(mobohb(small_space)), **change)  # type: ignore[arg-type]  # one field at a time
    with pytest.raises(HistoryError, match="proposal 0 does not follow"):
        mobohb(small_space).record(stored)
