"""From the sections `algorithm: mobo` and `algorithm: ehvi` of a study file to their proposer."""

from __future__ import annotations

from nago_orchestrator.domain.proposals import PriorEvaluation
from nago_orchestrator.search.acquisition.batch import Acquisition, AcquisitionOptions
from nago_orchestrator.search.acquisition.functions import Gain, GainOptions, Uncertainty
from nago_orchestrator.search.acquisition.usemo import UsemoOptions
from nago_orchestrator.search.proposers.mobo.cheap_objectives import cost_sampler, known_from_draws, known_places
from nago_orchestrator.search.proposers.mobo.observations import Known
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
    return Mobo(plan, fit_of(section), known=_known(section, problem), prior=prior)


def _acquisition(section: BatchSection) -> AcquisitionOptions:
    if isinstance(section, MoboSection):
        gains = GainOptions(gain=Gain(section.acquisition), uncertainty=Uncertainty(section.uncertainty))
        return AcquisitionOptions(acquisition=Acquisition.USEMO, usemo=UsemoOptions(gains=gains))
    return AcquisitionOptions(acquisition=Acquisition.EHVI)


def _known(section: BatchSection, problem: Problem) -> Known | None:
    places = known_places(problem.objectives, section.learn)
    if not places:
        return None
    objectives = [problem.objectives[place] for place in places]
    sample = cost_sampler(problem.recipe, objectives, connected=problem.space.connected)
    return known_from_draws(problem.space, problem.seed, places, sample)
