"""How many proposals a search will make at each fidelity, known before it begins; one function for each algorithm.

A new algorithm registers its own. Called by the study's preview.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import singledispatch

from nago_orchestrator.search.proposers.hyperband import bracket_shape
from nago_orchestrator.spec.search import BatchSection, BohbSection, MobohbSection, PhasesSection, RandomSection


@singledispatch
def planned_proposals(search: object, fidelities: tuple[int, ...]) -> Mapping[int, int]:
    """Proposals by fidelity (epochs), in rising order. Raises NotImplementedError for a section without its own."""
    raise NotImplementedError(type(search).__name__)


@planned_proposals.register
def _random(search: RandomSection, fidelities: tuple[int, ...]) -> Mapping[int, int]:
    return {fidelities[-1]: search.proposals}


@planned_proposals.register
def _batches(search: BatchSection, fidelities: tuple[int, ...]) -> Mapping[int, int]:
    return {search.fidelity or fidelities[-1]: search.evaluations}


@planned_proposals.register(BohbSection)
@planned_proposals.register(MobohbSection)
def _brackets(search: BohbSection | MobohbSection, fidelities: tuple[int, ...]) -> Mapping[int, int]:
    found: Counter[int] = Counter()
    cycles, rest = divmod(search.iterations, len(fidelities))
    for bracket in range(len(fidelities)):
        shape = bracket_shape(fidelities, bracket)
        times = cycles + (bracket < rest)
        for fidelity, size in zip(shape.fidelities, shape.sizes, strict=True):
            found[fidelity] += times * size
    return _sorted(found)


@planned_proposals.register
def _phases(search: PhasesSection, fidelities: tuple[int, ...]) -> Mapping[int, int]:
    found: Counter[int] = Counter()
    for phase in search.phases:
        found.update(planned_proposals(phase, fidelities))
    return _sorted(found)


def _sorted(found: Counter[int]) -> Mapping[int, int]:
    return {fidelity: found[fidelity] for fidelity in sorted(found) if found[fidelity]}
