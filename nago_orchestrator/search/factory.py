"""From a study to the proposer that searches for it.

The module of a proposer is imported by name when a search of its algorithm is built: so a study loads the libraries of
its own search alone, and needs no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.proposals import PriorEvaluation
from nago_orchestrator.domain.trials import TrainingRecipe
from nago_orchestrator.errors import needing
from nago_orchestrator.search.proposers.phases.proposer import Phases
from nago_orchestrator.search.proposers.port import Proposer
from nago_orchestrator.search.proposers.problem import Problem
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.search import SinglePhase, phases_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the proposer of an algorithm comes from."""

    folder: str
    """In `proposers`; its module `build` has `build(section, problem, prior)`."""
    extra: str | None = None
    """That brings its libraries."""
    loaded_later: tuple[str, ...] = ()
    """Libraries that the first fit imports. Whether they are installed is asked when the search is built."""


SOURCES: Mapping[str, Source] = {
    "random": Source(folder="random"),
    "bohb": Source(folder="bohb", extra="bohb"),
    "mobohb": Source(folder="mobohb", extra="mobo"),
    "mobo": Source(folder="mobo", extra="mobo", loaded_later=("jax", "numpyro")),
    "ehvi": Source(folder="mobo", extra="mobo"),
}
"""By algorithm. `phases` has none: it is made of the others."""


def make_proposer(spec: StudySpec, recipe: TrainingRecipe, prior: tuple[PriorEvaluation, ...] = ()) -> Proposer:
    """A proposer that knows nothing yet but what other studies found (`prior`).

    `recipe` decides what networks cost, which is known before training. Raises InputError for a library that is not
    installed.
    """
    phases = phases_of(spec.search)
    begins = [partial(_begin, phase, _problem(spec, recipe, number)) for number, phase in enumerate(phases)]
    return begins[0](prior) if len(begins) == 1 else Phases(begins, prior)


def _problem(spec: StudySpec, recipe: TrainingRecipe, phase: int) -> Problem:
    return Problem(
        space=spec.search_space(),
        seed=seeds.phase(spec.seed, phase),
        fidelities=spec.fidelities,
        objectives=spec.objective_values(),
        recipe=recipe,
    )


def _begin(section: SinglePhase, problem: Problem, prior: tuple[PriorEvaluation, ...]) -> Proposer:
    source = SOURCES[section.algorithm]
    module = f"nago_orchestrator.search.proposers.{source.folder}.build"
    if source.extra is None:
        built: Proposer = import_module(module).build(section, problem, prior)
        return built
    with needing(source.extra, what=f"the search by {section.algorithm.upper()}"):
        for library in source.loaded_later:
            if find_spec(library) is None:
                raise ModuleNotFoundError(name=library)
        build = import_module(module).build
    proposer: Proposer = build(section, problem, prior)
    return proposer
