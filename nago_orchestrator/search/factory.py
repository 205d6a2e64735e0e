"""From a study to the proposer that searches for it. Called by the wiring, and by whoever replays a search.

The libraries of a search are loaded here, when one is made, and only its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import PriorEvaluation
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.domain.trials import TrainingRecipe
from nago_orchestrator.errors import InputError
from nago_orchestrator.search.proposers.port import Proposer
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.search import (
    BatchSection,
    BohbSection,
    EhviSection,
    MobohbSection,
    MoboSection,
    RandomSection,
    SinglePhase,
    phases_of,
)

if TYPE_CHECKING:  # loaded with the searches that need them
    from nago_orchestrator.search.acquisition.batch import AcquisitionOptions
    from nago_orchestrator.search.proposers.mobo.sampler import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What a phase needs beside its own section."""

    space: SearchSpace
    seed: int
    fidelities: tuple[int, ...]
    objectives: tuple[Objective, ...]
    recipe: TrainingRecipe


def make_proposer(spec: StudySpec, recipe: TrainingRecipe, prior: tuple[PriorEvaluation, ...] = ()) -> Proposer:
    """A proposer that has been told nothing yet but what other studies found (`prior`).

    `recipe` decides what networks cost, which is known before training. Raises InputError for a library that is not
    installed.
    """
    phases = phases_of(spec.search)
    begins = [partial(_begin, phase, _setting(spec, recipe, number)) for number, phase in enumerate(phases)]
    if len(begins) == 1:
        return begins[0](prior)
    from nago_orchestrator.search.proposers.phases.proposer import Phases

    return Phases(begins, prior)


def _setting(spec: StudySpec, recipe: TrainingRecipe, phase: int) -> _Setting:
    return _Setting(
        space=spec.search_space(),
        seed=seeds.phase(spec.seed, phase),
        fidelities=spec.fidelities,
        objectives=spec.objective_values(),
        recipe=recipe,
    )


def _begin(section: SinglePhase, setting: _Setting, prior: tuple[PriorEvaluation, ...]) -> Proposer:
    match section:
        case RandomSection():
            return _random(section, setting)
        case BohbSection():
            return _bohb(section, setting, prior)
        case MoboSection():
            return _mobo(section, setting, prior)
        case EhviSection():
            return _ehvi(section, setting, prior)
        case MobohbSection():
            return _mobohb(section, setting, prior)


def _random(section: RandomSection, setting: _Setting) -> Proposer:
    from nago_orchestrator.search.proposers.random.proposer import RandomSearch

    return RandomSearch(
        space=setting.space,
        study_seed=setting.seed,
        fidelity=setting.fidelities[-1],
        proposals=section.proposals,
    )


def _bohb(section: BohbSection, setting: _Setting, prior: tuple[PriorEvaluation, ...]) -> Proposer:
    with _needed("BOHB", "bohb"):
        from nago_orchestrator.search.proposers.bohb.proposer import Bohb
        from nago_orchestrator.search.proposers.bohb.sampler import ModelOptions

    names = [objective.name for objective in setting.objectives]
    return Bohb(
        space=setting.space,
        study_seed=setting.seed,
        ladder=setting.fidelities,
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
    )


def _mobo(section: MoboSection, setting: _Setting, prior: tuple[PriorEvaluation, ...]) -> Proposer:
    with _needed("MOBO", "mobo"):
        for library in ("jax", "numpyro"):  # loaded by the first fit; whether they are there is asked now
            if find_spec(library) is None:
                raise ModuleNotFoundError(name=library)
        from nago_orchestrator.search.acquisition.batch import Acquisition, AcquisitionOptions
        from nago_orchestrator.search.acquisition.functions import Gain, GainOptions, Uncertainty
        from nago_orchestrator.search.acquisition.usemo import UsemoOptions
        from nago_orchestrator.search.proposers.mobo.surrogates import fit_gaussian, network_fit
        from nago_orchestrator.search.surrogate.options import SurrogateOptions

    gains = GainOptions(gain=Gain(section.acquisition), uncertainty=Uncertainty(section.uncertainty))
    network = network_fit(SurrogateOptions(heteroscedastic=section.noise == "heteroscedastic"))
    options = AcquisitionOptions(acquisition=Acquisition.USEMO, usemo=UsemoOptions(gains=gains))
    return _batches(section, setting, prior, options, network if section.surrogate == "network" else fit_gaussian)


def _ehvi(section: EhviSection, setting: _Setting, prior: tuple[PriorEvaluation, ...]) -> Proposer:
    with _needed("EHVI", "mobo"):
        from nago_orchestrator.search.acquisition.batch import Acquisition, AcquisitionOptions
        from nago_orchestrator.search.proposers.mobo.surrogates import fit_gaussian

    return _batches(section, setting, prior, AcquisitionOptions(acquisition=Acquisition.EHVI), fit_gaussian)


def _batches(
    section: BatchSection,
    setting: _Setting,
    prior: tuple[PriorEvaluation, ...],
    acquisition: AcquisitionOptions,
    fit: Fit,
) -> Proposer:
    from nago_orchestrator.search.proposers.mobo.cheap_objectives import cost_sampler, known_from_draws, known_places
    from nago_orchestrator.search.proposers.mobo.proposer import Mobo
    from nago_orchestrator.search.proposers.mobo.settings import MoboOptions, MoboPlan

    objectives, space = setting.objectives, setting.space
    references = [None if item.reference is None else item.cost(item.reference) for item in objectives]
    plan = MoboPlan(
        space=space,
        study_seed=setting.seed,
        fidelity=section.fidelity or setting.fidelities[-1],
        proposals=section.evaluations,
        objectives=len(objectives),
        reference=None if None in references else tuple(cost for cost in references if cost is not None),
        options=MoboOptions(batch=section.batch, initial=section.initial, acquisition=acquisition),
    )
    places = known_places(objectives, section.learn)
    sample = cost_sampler(setting.recipe, [objectives[place] for place in places], connected=space.connected)
    known = known_from_draws(space, setting.seed, places, sample) if places else None
    return Mobo(plan, fit, known=known, prior=prior)


def _mobohb(section: MobohbSection, setting: _Setting, prior: tuple[PriorEvaluation, ...]) -> Proposer:
    from nago_orchestrator.search.proposers.mobohb.proposer import Mobohb

    return Mobohb(
        space=setting.space,
        study_seed=setting.seed,
        ladder=setting.fidelities,
        brackets=section.iterations,
        prior=prior,
    )


@contextmanager
def _needed(search: str, extra: str) -> Iterator[None]:
    """Turns a library that is missing into a sentence with the extra that brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"the search by {search} needs {error.name}, which is not installed: "
            f"pip install 'nago-orchestrator[{extra}]'"
        ) from error
