"""A phase begins when the one before it has been told everything, knows all of it, and numbers go on."""

from __future__ import annotations

import pytest

from nago_orchestrator.domain.proposals import Evaluation, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.proposers.bohb.proposer import Bohb
from nago_orchestrator.search.proposers.phases.proposer import Phases
from nago_orchestrator.search.proposers.port import HistoryError, Pause, Proposer
from nago_orchestrator.search.proposers.random.proposer import RandomSearch

PRIOR = PriorEvaluation(theta={}, fidelity=3, outcome=Outcome.OK, costs=(0.5,), samples=1)


class Scene:
    """Three random proposals at fidelity 3, then a bracket of BOHB over 1, 2 and 4; notes what each phase was told."""

    def __init__(self, space: SearchSpace, prior: tuple[PriorEvaluation, ...] = ()) -> None:
        self.known: list[tuple[PriorEvaluation, ...]] = []
        self._space = space
        self.phases = Phases([self._random, self._bohb], prior)

    def _random(self, prior: tuple[PriorEvaluation, ...]) -> Proposer:
        self.known.append(prior)
        return RandomSearch(space=self._space, study_seed=1, fidelity=3, proposals=3)

    def _bohb(self, prior: tuple[PriorEvaluation, ...]) -> Proposer:
        self.known.append(prior)
        return Bohb(space=self._space, study_seed=2, fidelities=(1, 2, 4), brackets=1)


def evaluation(proposal: int, number: int) -> Evaluation:
    cost = float(proposal)
    return Evaluation(
        proposal=proposal, number=number, outcome=Outcome.OK, values={"error": cost}, costs=(cost,), samples=1
    )


def asked(proposer: Proposer) -> Proposal:
    proposal = proposer.ask()
    assert isinstance(proposal, Proposal)
    return proposal


def test_a_phase_waits_until_all_before_it_is_told(small_space: SearchSpace) -> None:
    phases = Scene(small_space).phases
    first = [asked(phases) for _ in range(3)]
    assert phases.ask() is Pause.WAITING
    for number, proposal in enumerate(reversed(first)):
        phases.tell(evaluation(proposal.number, number))
    following = asked(phases)
    assert (following.number, following.evaluations_before, following.phase, following.fidelity) == (3, 3, 1, 1)


def test_a_phase_knows_what_was_found_before_it_and_elsewhere(small_space: SearchSpace) -> None:
    scene = Scene(small_space, prior=(PRIOR,))
    first = [asked(scene.phases) for _ in range(3)]
    for number, proposal in enumerate(first):
        scene.phases.tell(evaluation(proposal.number, number))
    asked(scene.phases)
    found = [
        PriorEvaluation(
            theta=proposal.theta, fidelity=3, outcome=Outcome.OK, costs=(float(proposal.number),), samples=1
        )
        for proposal in first
    ]
    assert scene.known[0] == (PRIOR,)
    assert scene.known[-1] == (PRIOR, *found)


def test_parents_are_numbers_of_the_study(small_space: SearchSpace) -> None:
    phases = Scene(small_space).phases
    proposals = [asked(phases) for _ in range(3)]
    for number in range(3):
        phases.tell(evaluation(number, number))
    proposals += [asked(phases) for _ in range(4)]
    for number in range(3, 7):
        phases.tell(evaluation(number, number))
    promoted = asked(phases)
    assert promoted.parent is not None
    assert proposals[promoted.parent].theta == promoted.theta
    assert proposals[promoted.parent].phase == 1


@pytest.mark.slow
def test_all_proposals_are_planned_from_the_first(small_space: SearchSpace) -> None:
    assert Scene(small_space).phases.facts()["planned_proposals"] == 3 + 7


def test_a_stored_phase_that_begins_too_early_is_refused(small_space: SearchSpace) -> None:
    complete = Scene(small_space).phases
    for number in range(3):
        asked(complete)
        complete.tell(evaluation(number, number))
    stored = asked(complete)
    early = Scene(small_space).phases
    asked(early)
    early.tell(evaluation(0, 0))
    moved = Proposal(number=1, theta=stored.theta, fidelity=1, origin=stored.origin, evaluations_before=1, phase=1)
    with pytest.raises(HistoryError, match="phase 0 is not over"):
        early.record(moved)


def test_a_stored_phase_that_the_search_does_not_have_is_refused(small_space: SearchSpace) -> None:
    proposal = asked(Scene(small_space).phases)
    beyond = Proposal(number=0, theta=proposal.theta, fidelity=3, origin=proposal.origin, evaluations_before=0, phase=7)
    with pytest.raises(HistoryError, match="phase"):
        Scene(small_space).phases.record(beyond)
