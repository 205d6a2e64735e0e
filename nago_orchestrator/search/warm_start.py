"""Observations of other studies from which a study starts. Pure; called when a study with `warm_start` is submitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import Evaluation, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.errors import SpecError
from nago_orchestrator.formatting.counts import counted
from nago_trainer.contract.task import DatasetSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStudy:
    """A study that another one is to begin from."""

    name: str
    space: SearchSpace
    dataset: DatasetSettings
    proposals: Sequence[Proposal]
    evaluations: Sequence[Evaluation]
    """In the order of evaluation; with the values of the objectives of the study that is to begin, where it measured
    them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """What a study can learn from."""

    space: SearchSpace
    dataset: DatasetSettings
    objectives: Sequence[Objective]
    fidelities: Sequence[int]
    """All of the study's."""
    observed_at: Sequence[int]
    """Those whose evaluations any of its searches uses."""
    search: str
    """Its algorithm, for messages."""
    run_of: int | None = None
    """Epochs of the run of which its trials are the beginning; None: each is a run of its own."""

    def can_compare(self, proposal: Proposal) -> bool:
        """Epoch 30 of a run of 120 and the last of a run of 30 have different learning rates behind them."""
        return (proposal.run_of or proposal.fidelity) == (self.run_of or proposal.fidelity)


def prior_evaluations(source: SourceStudy, learner: Learner) -> tuple[PriorEvaluation, ...]:
    """Its evaluations in their order, with costs in the order of the learner's objectives; lost ones are left out.

    What is infeasible is so at every fidelity; of the others those of another fidelity would never be used. A part of
    a longer run and a run of as many epochs are kept apart.
    Raises SpecError where the source searched another space, has seen test images, lacks an objective, or has nothing
    to learn from.
    """
    _check_space(source, learner.space)
    _check_test_images(source, learner.dataset)
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
        if evaluation.outcome is not Outcome.LOST and _is_used(proposal, evaluation.outcome, learner)
    )
    if not any(prior.outcome is Outcome.OK for prior in found):
        outcomes = [
            (proposal.fidelity, evaluation.outcome) for proposal, evaluation in told if learner.can_compare(proposal)
        ]
        missing = _other_runs(learner) if told and not outcomes else _what_is_missing(outcomes, learner)
        raise SpecError(f"the study {source.name!r} cannot be used for a warm start: {missing}")
    return found


def _is_used(proposal: Proposal, outcome: Outcome, learner: Learner) -> bool:
    if outcome is not Outcome.OK:
        return proposal.fidelity in learner.fidelities
    return proposal.fidelity in learner.observed_at and learner.can_compare(proposal)


def _other_runs(learner: Learner) -> str:
    """Where nothing can be compared."""
    if learner.run_of is None:
        return "its trials are parts of longer runs (`continue: true`), and those of this study are runs of their own"
    return f"its trials are not parts of runs of {counted(learner.run_of, 'epoch')}, as those of this study are"


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


def _check_test_images(source: SourceStudy, dataset: DatasetSettings) -> None:
    """Costs that were measured on test images would tell the search of them."""
    theirs, ours = source.dataset.test_fraction, dataset.test_fraction
    # A smaller part for testing is within a larger one, but not always where the CSV file has groups.
    unseen = ours == 0 or theirs == ours or (theirs > ours and dataset.labels is None)
    own_test = source.dataset.own_test and theirs == 0  # of the dataset: the fraction has no effect
    if unseen or own_test or not _same_images(source.dataset, dataset):
        return
    raise SpecError(
        f"the study {source.name!r} cannot be used for a warm start: its search has seen test images of this study",
        where=f"trainer.dataset.test_fraction: {theirs:g} there, {ours:g} here",
        do=f"write test_fraction: {theirs:g} here too, or leave {source.name!r} out of warm_start",
    )


def _same_images(theirs: DatasetSettings, ours: DatasetSettings) -> bool:
    """By their fingerprints, or by their place where either has none, as in a cluster before the data check."""
    if theirs.name != ours.name:
        return False
    if theirs.fingerprint is not None and ours.fingerprint is not None:
        return theirs.fingerprint == ours.fingerprint
    return (theirs.path, theirs.labels) == (ours.path, ours.labels)


def _costs(source: str, evaluation: Evaluation, objectives: Sequence[Objective]) -> tuple[float, ...]:
    if evaluation.outcome is not Outcome.OK:
        return ()
    missing = [objective.name for objective in objectives if objective.name not in evaluation.values]
    if missing:
        raise SpecError(f"a warm start needs every objective, and the study {source!r} has no {', '.join(missing)}")
    return tuple(objective.cost(evaluation.values[objective.name]) for objective in objectives)
