from __future__ import annotations

import math
from dataclasses import replace

import pytest

from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.errors import SpecError
from nago_orchestrator.search.proposers.bohb.proposer import Bohb
from nago_orchestrator.search.proposers.bohb.settings import ModelOptions
from nago_orchestrator.search.proposers.port import HistoryError
from nago_orchestrator.search.proposers.replay import rebuild


def bohb(space: SearchSpace, brackets: int = 40, objective: int = 0) -> Bohb:
    return Bohb(
        space=space,
        study_seed=4,
        fidelities=(30, 60, 120),
        brackets=brackets,
        objective=objective,
        options=ModelOptions(num_samples=4),
    )


def evaluation(proposal: Proposal, number: int, outcome: Outcome, *costs: float) -> Evaluation:
    return Evaluation(proposal=proposal.number, number=number, outcome=outcome, values={}, costs=costs, samples=1)


def ask(proposer: Bohb) -> Proposal:
    proposal = proposer.ask()
    assert isinstance(proposal, Proposal)
    return proposal


def run(proposer: Bohb, steps: int, told: int = 0) -> tuple[list[Proposal], list[Evaluation]]:
    """One at a time, with every outcome among them."""
    proposals, evaluations = list[Proposal](), list[Evaluation]()
    for number in range(told, told + steps):
        proposals.append(ask(proposer))
        cost = float(sum(proposals[-1].theta.values()))
        outcome = {3: Outcome.INFEASIBLE, 8: Outcome.LOST}.get(number % 11, Outcome.OK)
        costs = (math.nan if number % 13 == 5 else cost,) if outcome is Outcome.OK else ()
        evaluations.append(evaluation(proposals[-1], number, outcome, *costs))
        proposer.tell(evaluations[-1])
    return proposals, evaluations


def test_a_rebuilt_proposer_goes_on_as_the_living_one(paper_space: SearchSpace) -> None:
    living, rebuilt = bohb(paper_space), bohb(paper_space)
    rebuild(rebuilt, *run(living, 120))
    assert rebuilt.facts() == living.facts()
    following = run(living, 20, told=120)[0]
    assert run(rebuilt, 20, told=120)[0] == following
    assert {proposal.origin for proposal in following} == set(Origin)


def test_a_promotion_continues_its_parent(paper_space: SearchSpace) -> None:
    proposals = run(bohb(paper_space), 60)[0]
    promotions = [proposal for proposal in proposals if proposal.origin is Origin.PROMOTION]
    assert promotions
    for proposal in promotions:
        assert proposal.parent is not None
        parent = proposals[proposal.parent]
        assert (parent.theta, parent.bracket, parent.slot) == (proposal.theta, proposal.bracket, proposal.slot)
        assert parent.fidelity * 2 == proposal.fidelity


def test_a_lost_evaluation_teaches_the_model_nothing_but_frees_the_rung(paper_space: SearchSpace) -> None:
    proposer = bohb(paper_space)
    for number in range(4):
        proposer.tell(evaluation(ask(proposer), number, Outcome.LOST))
    assert ask(proposer).fidelity == 60
    assert not [name for name in proposer.facts() if name.startswith("points")]


def test_an_infeasible_evaluation_counts_as_bad(paper_space: SearchSpace) -> None:
    proposer = bohb(paper_space)
    proposer.tell(evaluation(ask(proposer), 0, Outcome.INFEASIBLE))
    assert proposer.facts()["points_at_fidelity_30"] == 1


def test_the_chosen_objective_decides_who_climbs(paper_space: SearchSpace) -> None:
    best = []
    for objective in (0, 1):
        proposer = bohb(paper_space, objective=objective)
        asked = [ask(proposer) for _ in range(4)]
        for number, proposal in enumerate(asked):
            proposer.tell(evaluation(proposal, number, Outcome.OK, float(number), -float(number)))
        best.append({ask(proposer).parent, ask(proposer).parent})
    assert best == [{0, 1}, {2, 3}]


def test_asking_while_it_must_wait_changes_nothing(paper_space: SearchSpace) -> None:
    patient, pushy = bohb(paper_space, brackets=1), bohb(paper_space, brackets=1)
    found = []
    for proposer, extra in ((patient, 0), (pushy, 3)):
        asked = [ask(proposer) for _ in range(4)]
        for number, proposal in enumerate(asked):
            assert {proposer.ask() for _ in range(extra)} <= {"waiting"}
            proposer.tell(evaluation(proposal, number, Outcome.OK, float(number)))
        found.append([ask(proposer), ask(proposer)])
    assert found[0] == found[1]


def test_a_space_with_nothing_to_search_is_refused(paper_space: SearchSpace) -> None:
    middle = {item.name: item.cast((item.low + item.high) / 2) for item in paper_space.dimensions}
    with pytest.raises(SpecError, match="needs a hyperparameter to search, but all are fixed"):
        bohb(replace(paper_space, dimensions=(), fixed={**paper_space.fixed, **middle}))


@pytest.mark.parametrize("change", [{"fidelity": 60}, {"bracket": 1}, {"slot": 2}, {"parent": 0}, {"theta": {}}])
def test_a_stored_proposal_that_does_not_follow_is_refused(paper_space: SearchSpace, change: dict[str, object]) -> None:
    stored = replace(ask(bohb(paper_space)), **change)  # type: ignore[arg-type]  # one field at a time
    with pytest.raises(HistoryError, match="proposal 0 does not follow"):
        bohb(paper_space).record(stored)
