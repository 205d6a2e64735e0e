"""From the section `algorithm: bohb` of a study file to its proposer."""

from __future__ import annotations

from nago_orchestrator.domain.proposals import PriorEvaluation
from nago_orchestrator.search.proposers.bohb.proposer import Bohb
from nago_orchestrator.search.proposers.bohb.settings import ModelOptions
from nago_orchestrator.search.proposers.problem import Problem
from nago_orchestrator.spec.search import BohbSection


def build(section: BohbSection, problem: Problem, prior: tuple[PriorEvaluation, ...]) -> Bohb:
    names = [objective.name for objective in problem.objectives]
    return Bohb(
        space=problem.space,
        study_seed=problem.seed,
        fidelities=problem.fidelities,
        brackets=section.iterations,
        objective=names.index(section.objective or names[0]),
        options=ModelOptions(
            min_points_in_model=section.min_points_in_model,
            top_n_percent=section.top_n_percent,
            num_samples=section.num_samples,
            random_fraction=section.random_fraction,
            bandwidth_factor=section.bandwidth_factor,
            min_bandwidth=section.min_bandwidth,
        ),
        prior=prior,
        continues=section.continues,
    )
