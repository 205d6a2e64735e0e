from __future__ import annotations

from dataclasses import replace

import pytest

from nago_orchestrator.domain.proposals import Evaluation, Outcome, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.proposers.port import HistoryError
from nago_orchestrator.search.proposers.random.proposer import RandomSearch
from nago_orchestrator.search.proposers.replay import Difference, rebuild, verify


def search(space: SearchSpace, study_seed: int = 1) -> RandomSearch:
    return RandomSearch(space=space, study_seed=study_seed, fidelity=9, proposals=6)


@pytest.fixture
def rows(paper_space: SearchSpace) -> tuple[list[Proposal], list[Evaluation]]:
    """Six proposals, two in flight, all evaluated."""
    proposer = search(paper_space)
    proposals, evaluations = list[Proposal](), list[Evaluation]()
    for number in range(6):
        proposal = proposer.ask()
        assert isinstance(proposal, Proposal)
        proposals.append(proposal)
        if number:
            evaluations.append(lost(number - 1))
            proposer.tell(evaluations[-1])
    return proposals, [*evaluations, lost(5)]


def lost(number: int) -> Evaluation:
    return Evaluation(proposal=number, number=number, outcome=Outcome.LOST, values={}, costs=(), samples=0)


def test_the_same_search_makes_the_same_proposals(
    paper_space: SearchSpace, rows: tuple[list[Proposal], list[Evaluation]]
) -> None:
    assert verify(search(paper_space), *rows) == ()


def test_every_proposal_that_is_the_same_is_told(
    paper_space: SearchSpace, rows: tuple[list[Proposal], list[Evaluation]]
) -> None:
    proposals, evaluations = rows
    done: list[int] = []
    verify(search(paper_space), proposals, evaluations, done.append)
    assert done == [1, 2, 3, 4, 5, 6]
    done.clear()
    proposals[2] = replace(proposals[2], fidelity=27)
    verify(search(paper_space), proposals, evaluations, done.append)
    assert done == [1, 2]


def test_the_first_difference_is_named(paper_space: SearchSpace, rows: tuple[list[Proposal], list[Evaluation]]) -> None:
    proposals, evaluations = rows
    proposals[2] = replace(proposals[2], fidelity=27)
    assert verify(search(paper_space), proposals, evaluations) == (
        Difference(proposal=2, field="fidelity", stored=27, computed=9),
    )


def test_another_seed_differs_at_once(paper_space: SearchSpace, rows: tuple[list[Proposal], list[Evaluation]]) -> None:
    found = verify(search(paper_space, study_seed=2), *rows)
    assert [(difference.proposal, difference.field) for difference in found] == [(0, "theta")]


def test_a_proposal_where_none_would_be_made_is_a_difference(
    paper_space: SearchSpace, rows: tuple[list[Proposal], list[Evaluation]]
) -> None:
    proposals, evaluations = rows
    proposals.append(replace(proposals[-1], number=6))
    assert [difference.field for difference in verify(search(paper_space), proposals, evaluations)] == ["pause"]


@pytest.mark.parametrize("evaluations_before", [0, 9])
def test_rows_that_contradict_each_other_are_refused(
    paper_space: SearchSpace, rows: tuple[list[Proposal], list[Evaluation]], evaluations_before: int
) -> None:
    proposals, evaluations = rows
    proposals[3] = replace(proposals[3], evaluations_before=evaluations_before)
    with pytest.raises(HistoryError, match="the history is inconsistent"):
        rebuild(search(paper_space), proposals, evaluations)
