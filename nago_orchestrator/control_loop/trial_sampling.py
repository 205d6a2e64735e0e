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

    def trial(self, proposal: Proposal, replicate: int) -> NewTrial:
        """The proposal's architecture `replicate`, sampled and sized. Raises ThetaError for an illegal theta."""
        return design_trial(
            proposal.theta,
            self.recipe,
            connected=self.connected,
            replicate=replicate,
            architecture_seed=seeds.architecture(self.study_seed, proposal.number, replicate),
            training_seed=seeds.training(self.study_seed, proposal.number, replicate),
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
        drawn = sampling.trial(proposals[stored.proposal], stored.replicate)
    except ThetaError as error:
        raise HistoryError(f"the stored theta of proposal {stored.proposal} is invalid: {error}") from error
    for name in COMPARED:
        before, now = getattr(stored, name), getattr(drawn, name)
        if before != now:
            yield Difference(proposal=stored.proposal, trial=stored.number, field=name, stored=before, computed=now)
