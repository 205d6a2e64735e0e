"""Observations of other studies from which a study starts. Pure; called when a study with `warm_start` is submitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import Evaluation, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.errors import SpecError
from nago_orchestrator.formatting.counts import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStudy:
    """A study that another one is to begin from."""

    name: str
    space: SearchSpace
    proposals: Sequence[Proposal]
    evaluations: Sequence[Evaluation]
    """In the order of evaluation; with the values of the objectives of the study that is to begin, where it measured
    them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """What a study can learn from."""

    space: SearchSpace
    objectives: Sequence[Objective]
    fidelities: Sequence[int]
    """All of the study's."""
    observed_at: Sequence[int]
    """Those whose evaluations any of its searches uses."""
    search: str
    """Its algorithm, for messages."""


def prior_evaluations(source: SourceStudy, learner: Learner) -> tuple[PriorEvaluation, ...]:
    """Its evaluations in their order, with costs in the order of the learner's objectives; lost ones are left out.

    What is infeasible is so at every fidelity; of the others those of another fidelity would never be used.
    Raises SpecError where the source searched another space, lacks an objective, or has nothing to learn from.
    """
    _check_space(source, learner.space)
    own = {proposal.number: proposal for proposal in source.proposals if not proposal.final_training}
    told = [(own[item.proposal], item) for item in source.evaluations if item.proposal in own]
    found = tuple(
        PriorEvaluation(
            theta=proposal.theta,
            fidelity=proposal.fidelity,
            outcome=evaluation.outcome,
            costs=_costs(source.name, evaluation, learner.objectives),
            samples=evaluation.samples,
        )
        for proposal, evaluation in told
        if evaluation.outcome is not Outcome.LOST
        and proposal.fidelity in (learner.observed_at if evaluation.outcome is Outcome.OK else learner.fidelities)
    )
    if not any(prior.outcome is Outcome.OK for prior in found):
        outcomes = [(proposal.fidelity, evaluation.outcome) for proposal, evaluation in told]
        raise SpecError(
            f"the study {source.name!r} cannot be used for a warm start: {_what_is_missing(outcomes, learner)}"
        )
    return found


def _what_is_missing(outcomes: Sequence[tuple[int, Outcome]], learner: Learner) -> str:
    """`outcomes`: fidelity and outcome of each evaluation of the source."""
    if not outcomes:
        return "it has no evaluation yet"
    at = [outcome for fidelity, outcome in outcomes if fidelity in learner.observed_at]
    if at:
        without = "is feasible" if Outcome.LOST not in at else "has a value"
        return f"none of its {counted(len(at), 'evaluation')} at {_epochs(learner.observed_at)} {without}"
    theirs = sorted({fidelity for fidelity, _ in outcomes})
    return (
        f"the search by {learner.search} learns from trials of {_epochs(learner.observed_at)}, "
        f"and it has trials of {_epochs(theirs)}"
    )


def _epochs(fidelities: Sequence[int]) -> str:
    *first, last = fidelities
    return f"{', '.join(map(str, first))} or {counted(last, 'epoch')}" if first else counted(last, "epoch")


def _check_space(source: SourceStudy, space: SearchSpace) -> None:
    if source.space == space:
        return
    theirs = {dimension.name: dimension for dimension in source.space.dimensions}
    ours = {dimension.name: dimension for dimension in space.dimensions}
    names = [*theirs, *ours, *space.fixed]
    different = [
        name
        for name in dict.fromkeys(names)
        if theirs.get(name) != ours.get(name) or source.space.fixed.get(name) != space.fixed.get(name)
    ]
    what = f"in {', '.join(different)}" if different else "in generator or `connected`"
    raise SpecError(f"a warm start needs the same search space, and that of {source.name!r} differs {what}")


def _costs(source: str, evaluation: Evaluation, objectives: Sequence[Objective]) -> tuple[float, ...]:
    if evaluation.outcome is not Outcome.OK:
        return ()
    missing = [objective.name for objective in objectives if objective.name not in evaluation.values]
    if missing:
        raise SpecError(f"a warm start needs every objective, and the study {source!r} has no {', '.join(missing)}")
    return tuple(objective.cost(evaluation.values[objective.name]) for objective in objectives)
