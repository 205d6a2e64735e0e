"""Which checkpoints of a study with `continue` nothing goes on from any more. Pure.

A trial that goes on from another removes that one's checkpoint once its result is stored. Here are the others: those
of trials that were not promoted, as soon as every place that they could be promoted to is taken; and those of trials
whose promotion has failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nago_orchestrator.domain.trials import RungTrial
from nago_orchestrator.search.proposers.hyperband import bracket_shape, planned_runs
from nago_orchestrator.spec.search import BohbSection, MobohbSection, SearchSection, phases_of


def unneeded_checkpoints(
    search: SearchSection, fidelities: tuple[int, ...], trials: Sequence[RungTrial], proposal: int
) -> tuple[int, ...]:
    """Numbers of trials, of the proposal's bracket where only its own trials can be promoted there."""
    own = next((trial for trial in trials if trial.proposal == proposal), None)
    if own is None:
        return ()
    section = phases_of(search)[own.phase]
    if not isinstance(section, BohbSection | MobohbSection):
        return ()
    shared = [trial for trial in trials if trial.phase == own.phase]
    if isinstance(section, BohbSection):
        shared = [trial for trial in shared if trial.bracket == own.bracket]
        shape = bracket_shape(fidelities, own.bracket or 0)
        places = dict(zip(shape.fidelities, shape.sizes, strict=True))
    else:  # the best of all brackets are promoted
        places = dict(planned_runs(fidelities, section.iterations))
    promoted = {trial.parent for trial in shared}
    going_on = {trial.parent for trial in shared if not trial.is_final}
    decided = _decided(fidelities, places, shared)
    return tuple(
        trial.number
        for trial in shared
        if trial.is_final
        and trial.proposal not in going_on
        and (trial.proposal in promoted or trial.fidelity in decided)
        and trial.fidelity != fidelities[-1]
    )


def _decided(fidelities: tuple[int, ...], places: dict[int, int], trials: Sequence[RungTrial]) -> set[int]:
    """Fidelities whose next one has no free place."""
    found = set()
    for fidelity, above in pairwise(fidelities):
        taken = len({trial.proposal for trial in trials if trial.fidelity == above})
        if taken >= places.get(above, 0):
            found.add(fidelity)
    return found
