"""From a proposal to its trials, by the study's seed; and whether the trials that are stored still come out the same.

The loop samples each new trial here, `nago-orch replay --verify` every stored one again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.proposals import Proposal
from nago_orchestrator.domain.trial_design import design_trial
from nago_orchestrator.domain.trials import NewTrial, TrainingRecipe
from nago_orchestrator.search.proposers.port import HistoryError
from nago_orchestrator.search.proposers.replay import Difference
from nago_orchestrator.store.records import DrawnTrial
from nago_trainer.architecture import ThetaError

COMPARED = (
    "architecture_seed",
    "training_seed",
    "architecture_hash",
    "nodes",
    "width",
    "parameters",
    "flops",
    "bytes_per_sample",
)
MOST_DIFFERENT = 10
"""Trials that differ before the comparison stops: what changed one draw usually changes them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSampling:
    """What the trials of all proposals of a study have in common."""

    study_seed: int
    connected: bool
    recipe: TrainingRecipe

    def trial(self, proposal: Proposal, replicate: int, *, run: int | None = None) -> NewTrial:
        """The proposal's architecture `replicate`, sampled and sized. Raises ThetaError for an illegal theta.

        `run`: number of the proposal with which its run begins, where it is not itself; the seeds are that one's.
        """
        number = proposal.number if run is None else run
        return design_trial(
            proposal.theta,
            self.recipe,
            connected=self.connected,
            replicate=replicate,
            architecture_seed=seeds.architecture(self.study_seed, number, replicate),
            training_seed=seeds.training(self.study_seed, number, replicate),
        )


def compare_trials(
    sampling: TrialSampling,
    proposals: Sequence[Proposal],
    stored: Sequence[DrawnTrial],
    on_progress: Callable[[int], None],
) -> tuple[Difference, ...]:
    """Draws every stored trial again; empty if all are the same, else the differences of up to MOST_DIFFERENT trials.

    `on_progress` is called after each trial with the number of those done. Raises HistoryError for a theta that the
    generator refuses.
    """
    by_number = {proposal.number: proposal for proposal in proposals}
    found: dict[int, list[Difference]] = {}
    for done, trial in enumerate(stored, start=1):
        differences = list(_differences(sampling, by_number, trial))
        if differences:
            found[trial.number] = differences
        if len(found) == MOST_DIFFERENT:
            break
        on_progress(done)
    return tuple(difference for differences in found.values() for difference in differences)


def _differences(
    sampling: TrialSampling, proposals: Mapping[int, Proposal], stored: DrawnTrial
) -> Iterator[Difference]:
    try:
        proposal = proposals[stored.proposal]
        drawn = sampling.trial(proposal, stored.replicate, run=_first_of_run(proposal, proposals))
    except ThetaError as error:
        raise HistoryError(f"the stored theta of proposal {stored.proposal} is invalid: {error}") from error
    for name in COMPARED:
        before, now = getattr(stored, name), getattr(drawn, name)
        if before != now:
            yield Difference(proposal=stored.proposal, trial=stored.number, field=name, stored=before, computed=now)


def _first_of_run(proposal: Proposal, proposals: Mapping[int, Proposal]) -> int:
    while proposal.run_of is not None and proposal.parent is not None:
        proposal = proposals[proposal.parent]
    return proposal.number
