"""From the section `algorithm: mobohb` of a study file to its proposer."""

from __future__ import annotations

from nago_orchestrator.domain.proposals import PriorEvaluation
from nago_orchestrator.search.proposers.mobohb.proposer import Mobohb
from nago_orchestrator.search.proposers.problem import Problem
from nago_orchestrator.spec.search import MobohbSection


def build(section: MobohbSection, problem: Problem, prior: tuple[PriorEvaluation, ...]) -> Mobohb:
    return Mobohb(
        space=problem.space,
        study_seed=problem.seed,
        fidelities=problem.fidelities,
        brackets=section.iterations,
        prior=prior,
        continues=section.continues,
    )
