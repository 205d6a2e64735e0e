from __future__ import annotations

from nago_orchestrator.domain.proposals import Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.proposers.random.proposer import RandomSearch


def proposals(space: SearchSpace, study_seed: int, count: int) -> list[Proposal]:
    proposer = RandomSearch(space=space, study_seed=study_seed, fidelity=30, proposals=count)
    asked = [proposer.ask() for _ in range(count)]
    return [proposal for proposal in asked if isinstance(proposal, Proposal)]


def test_thetas_cover_the_space_evenly(paper_space: SearchSpace) -> None:
    found = proposals(paper_space, 5, 1000)
    assert {proposal.fidelity for proposal in found} == {30}
    for dimension in paper_space.dimensions:
        values = [float(proposal.theta[dimension.name]) for proposal in found]
        middle = (dimension.low + dimension.high) / 2
        assert abs(sum(values) / len(values) - middle) < 0.06 * (dimension.high - dimension.low)


def test_a_longer_search_begins_with_the_shorter_one(paper_space: SearchSpace) -> None:
    assert proposals(paper_space, 5, 20)[:10] == proposals(paper_space, 5, 10)


def test_another_seed_is_another_search(paper_space: SearchSpace) -> None:
    assert proposals(paper_space, 5, 10) != proposals(paper_space, 6, 10)
