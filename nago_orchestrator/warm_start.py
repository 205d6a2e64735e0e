"""What a study may learn from others before it begins. Pure; called when a study with `warm_start` is submitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nago_orchestrator.domain import Evaluation, Objective, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.errors import SpecError
from nago_orchestrator.space import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStudy:
    """A study that another one is to begin from."""

    name: str
    space: SearchSpace
    proposals: Sequence[Proposal]
    evaluations: Sequence[Evaluation]


def prior_evaluations(
    source: SourceStudy, space: SearchSpace, objectives: Sequence[Objective], fidelities: Sequence[int]
) -> tuple[PriorEvaluation, ...]:
    """Its evaluations in told order, with costs in the order of `objectives`; those that were lost tell nothing.

    Raises SpecError where the source searched another space, lacks an objective, or has nothing at these fidelities.
    """
    _check_space(source, space)
    thetas = {proposal.number: proposal for proposal in source.proposals if not proposal.final}
    found = tuple(
        PriorEvaluation(
            theta=thetas[evaluation.proposal].theta,
            fidelity=thetas[evaluation.proposal].fidelity,
            outcome=evaluation.outcome,
            costs=_costs(source.name, evaluation, objectives),
            samples=evaluation.samples,
        )
        for evaluation in source.evaluations
        if evaluation.outcome is not Outcome.LOST
        and evaluation.proposal in thetas
        and thetas[evaluation.proposal].fidelity in fidelities
    )
    if not any(prior.outcome is Outcome.OK for prior in found):
        known = ", ".join(map(str, sorted({proposal.fidelity for proposal in thetas.values()}))) or "none"
        raise SpecError(
            f"There is nothing to begin from in the study {source.name!r}: it has no evaluation at "
            f"this study's fidelities, {', '.join(map(str, fidelities))} (its own: {known})."
        )
    return found


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
    raise SpecError(f"The study {source.name!r} searched another space ({what}): a warm start needs the same one.")


def _costs(source: str, evaluation: Evaluation, objectives: Sequence[Objective]) -> tuple[float, ...]:
    if evaluation.outcome is not Outcome.OK:
        return ()
    missing = [objective.name for objective in objectives if objective.name not in evaluation.values]
    if missing:
        raise SpecError(
            f"The study {source!r} did not measure {', '.join(missing)}: a warm start needs each objective of this one."
        )
    return tuple(objective.cost(evaluation.values[objective.name]) for objective in objectives)
