"""From the sections `algorithm: mobo` and `algorithm: ehvi` of a study file to their proposer."""

from __future__ import annotations

from nago_orchestrator.domain.proposals import PriorEvaluation
from nago_orchestrator.search.acquisition.batch import Acquisition, AcquisitionOptions
from nago_orchestrator.search.acquisition.functions import AcquisitionFunction, FunctionOptions, Uncertainty
from nago_orchestrator.search.acquisition.usemo import UsemoOptions
from nago_orchestrator.search.proposers.mobo.cheap_objectives import cheap_from_samples, cheap_indices, cost_sampler
from nago_orchestrator.search.proposers.mobo.observations import CheapObjectives
from nago_orchestrator.search.proposers.mobo.proposer import Mobo
from nago_orchestrator.search.proposers.mobo.settings import MoboOptions, MoboPlan
from nago_orchestrator.search.proposers.problem import Problem
from nago_orchestrator.search.surrogate.kinds import fit_of
from nago_orchestrator.spec.search import BatchSection, MoboSection


def build(section: BatchSection, problem: Problem, prior: tuple[PriorEvaluation, ...]) -> Mobo:
    references = [None if item.reference is None else item.cost(item.reference) for item in problem.objectives]
    plan = MoboPlan(
        space=problem.space,
        study_seed=problem.seed,
        fidelity=section.fidelity or problem.fidelities[-1],
        proposals=section.evaluations,
        objectives=len(problem.objectives),
        reference=None if None in references else tuple(cost for cost in references if cost is not None),
        options=MoboOptions(batch=section.batch, initial=section.initial, acquisition=_acquisition(section)),
    )
    return Mobo(plan, fit_of(section), cheap=_cheap(section, problem), prior=prior)


def _acquisition(section: BatchSection) -> AcquisitionOptions:
    if isinstance(section, MoboSection):
        function = FunctionOptions(
            function=AcquisitionFunction(section.acquisition), uncertainty=Uncertainty(section.uncertainty)
        )
        return AcquisitionOptions(acquisition=Acquisition.USEMO, usemo=UsemoOptions(function=function))
    return AcquisitionOptions(acquisition=Acquisition.EHVI)


def _cheap(section: BatchSection, problem: Problem) -> CheapObjectives | None:
    indices = cheap_indices(problem.objectives, section.learn)
    if not indices:
        return None
    objectives = [problem.objectives[index] for index in indices]
    sample = cost_sampler(problem.recipe, objectives, connected=problem.space.connected)
    return cheap_from_samples(problem.space, problem.seed, indices, sample)
