"""How many proposals a search will make at each fidelity, known before it begins; one function for each algorithm.

A new algorithm registers its own. `planned_epochs` counts what all of them train. Called by the study's preview.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import singledispatch

from nago_orchestrator.search.proposers import hyperband
from nago_orchestrator.search.proposers.hyperband import planned_runs
from nago_orchestrator.spec.search import (
    BatchSection,
    BohbSection,
    MobohbSection,
    PhasesSection,
    RandomSection,
    SearchSection,
    phases_of,
)


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
    return planned_runs(fidelities, search.iterations)


@planned_proposals.register
def _phases(search: PhasesSection, fidelities: tuple[int, ...]) -> Mapping[int, int]:
    found: Counter[int] = Counter()
    for phase in search.phases:
        found.update(planned_proposals(phase, fidelities))
    return {fidelity: found[fidelity] for fidelity in sorted(found)}


def planned_epochs(search: SearchSection, fidelities: tuple[int, ...]) -> int:
    """Of one network of each proposal."""
    return sum(
        hyperband.planned_epochs(fidelities, phase.iterations, continues=phase.continues)
        if isinstance(phase, BohbSection | MobohbSection)
        else sum(epochs * count for epochs, count in planned_proposals(phase, fidelities).items())
        for phase in phases_of(search)
    )
