"""From the section `algorithm: random` of a study file to its proposer."""

from __future__ import annotations

from nago_orchestrator.domain.proposals import PriorEvaluation
from nago_orchestrator.search.proposers.problem import Problem
from nago_orchestrator.search.proposers.random.proposer import RandomSearch
from nago_orchestrator.spec.search import RandomSection


def build(section: RandomSection, problem: Problem, _: tuple[PriorEvaluation, ...]) -> RandomSearch:
    return RandomSearch(
        space=problem.space,
        study_seed=problem.seed,
        fidelity=problem.fidelities[-1],
        proposals=section.proposals,
    )
