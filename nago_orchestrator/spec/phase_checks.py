"""What a search must be for a study's space, objectives and fidelities, and the defaults that follow from these.

Called by the study's section, for each phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nago_orchestrator.evaluation.metrics import KNOWN_BEFORE_TRAINING, cheap_objectives
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.spec.scalars import wrong
from nago_orchestrator.spec.search import BatchSection, BohbSection, MobohbSection, RandomSection, SinglePhase


def complete_phase(phase: SinglePhase, objectives: tuple[str, ...], dimensions: int) -> SinglePhase:
    """With every default written out."""
    if isinstance(phase, RandomSection):
        return phase
    if not dimensions:
        raise wrong("needs a hyperparameter to search, but all are fixed", do="give at least one a range")
    if isinstance(phase, BohbSection):
        return _complete_bohb(phase, objectives, dimensions)
    if isinstance(phase, BatchSection):
        _check_learned(phase, objectives)
    return phase


def check_fidelities(phase: SinglePhase, fidelities: tuple[int, ...]) -> None:
    """`fidelities` increase."""
    if isinstance(phase, BohbSection | MobohbSection):
        _check_ladder(phase.algorithm, fidelities)
    if isinstance(phase, BatchSection) and phase.fidelity not in (None, *fidelities):
        known = ", ".join(map(str, fidelities))
        raise wrong(f"({known}) must include search.fidelity {phase.fidelity}, at which {phase.algorithm} trains")


def check_phases_meet(phases: Sequence[SinglePhase], fidelities: tuple[int, ...]) -> None:
    """Each later phase of batches begins with evaluations at its fidelity."""
    for place, phase in enumerate(phases[1:], start=1):
        if not isinstance(phase, BatchSection):
            continue
        (own,) = trained_at(phase, fidelities)
        before = sorted({fidelity for earlier in phases[:place] for fidelity in trained_at(earlier, fidelities)})
        if own not in before:
            known = ", ".join(map(str, before))
            raise wrong(
                f"give search.phases[{place}] nothing to learn from: it needs trials of {counted(own, 'epoch')}, "
                f"and the phases before it have trials of {known}"
            )


def check_runs_meet(phases: Sequence[SinglePhase], fidelities: tuple[int, ...]) -> None:
    """Where any search continues its trainings, all others do so or train whole runs: else epochs mean two things."""
    rungs = [phase for phase in phases if isinstance(phase, BohbSection | MobohbSection)]
    if not any(phase.continues for phase in rungs):
        return
    if not all(phase.continues for phase in rungs):
        raise wrong(
            "mean two things to phases with and without `continue: true`",
            do="set it in all with rungs or in none",
        )
    for phase in phases:
        if isinstance(phase, BatchSection) and phase.fidelity not in (None, fidelities[-1]):
            raise wrong(
                f"mean two things: {phase.fidelity} epochs are a whole run for the phase by {phase.algorithm}, and a "
                f"part of one of {fidelities[-1]} for those with `continue: true`",
                do=f"set its fidelity to {fidelities[-1]}",
            )


def trained_at(phase: SinglePhase, fidelities: tuple[int, ...]) -> tuple[int, ...]:
    """The fidelities of its trials, which are those that it learns from if it learns at all."""
    if isinstance(phase, BohbSection | MobohbSection):
        return fidelities
    return (phase.fidelity or fidelities[-1],) if isinstance(phase, BatchSection) else fidelities[-1:]


def _complete_bohb(phase: BohbSection, objectives: tuple[str, ...], dimensions: int) -> BohbSection:
    if phase.objective is not None and phase.objective not in objectives:
        raise wrong(f"optimises {phase.objective}, which is no objective of the study ({', '.join(objectives)})")
    points = phase.min_points_in_model or dimensions + 1
    if points <= dimensions:
        raise wrong(
            f"has min_points_in_model {points}, but {counted(dimensions, 'dimension')} need at least {dimensions + 1}"
        )
    return phase.model_copy(update={"objective": phase.objective or objectives[0], "min_points_in_model": points})


def _check_learned(phase: BatchSection, objectives: tuple[str, ...]) -> None:
    for name in phase.learn:
        if name not in objectives:
            raise wrong(f"lists {name} under `learn`, which is no objective of the study ({', '.join(objectives)})")
        if name not in KNOWN_BEFORE_TRAINING:
            raise wrong(
                f"lists {name} under `learn`, which is for {', '.join(KNOWN_BEFORE_TRAINING)}", do=f"remove {name}"
            )
    if set(objectives) <= cheap_objectives(phase.learn):
        raise wrong(
            "has nothing to learn, because every objective is known before training", do="add accuracy, error or loss"
        )


def _check_ladder(algorithm: str, fidelities: tuple[int, ...]) -> None:
    ratios = {after / before for before, after in pairwise(fidelities)}
    if len(ratios) > 1 or not all(ratio.is_integer() for ratio in ratios):
        first = fidelities[0]
        raise wrong(
            f"must each be the same integer multiple of the one before for {algorithm}, "
            f"such as {first}, {2 * first}, {4 * first}; found {', '.join(map(str, fidelities))}"
        )
