"""The paper's last stage: networks of the generators that a search found, given their final training. Pure.

`train_best.train_best` stores what is planned here; the loop then runs it as it runs every trial.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.generator_key import GeneratorKey, generator_key
from nago_orchestrator.domain.proposals import Evaluation, Origin, Proposal, Theta
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.domain.trials import TrainingRecipe
from nago_orchestrator.search.proposers.port import HistoryError, Pause
from nago_trainer.architecture import canonical
from nago_trainer.contract.data_sets import DATA_SETS
from nago_trainer.contract.task import LAST_EPOCH, TEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A generator of the final training."""

    proposal: int | None
    """Of the search that found it; None for one that was drawn at random, to compare with."""
    theta: Theta


def final_recipe(search: TrainingRecipe, changes: Mapping[str, Any]) -> TrainingRecipe:
    """As in the search, but for `changes` (fields of its training; None: no change). Every network is kept.

    Measured on test images if there are any. A batch below the search's smallest is the smallest of final training.
    """
    changed = {name: value for name, value in changes.items() if value is not None}
    dataset = search.dataset
    if DATA_SETS[dataset.name].test_images or dataset.own_test or dataset.test_fraction:
        dataset = replace(dataset, measured_on=TEST)
        changed = {**changed, "keep": LAST_EPOCH, "patience": 0}  # test images choose nothing
    training = replace(search.training, **changed)
    smallest = min(training.smallest_batch_size, training.batch_size)
    return replace(search, training=replace(training, smallest_batch_size=smallest), dataset=dataset, keep_network=True)


def random_generators(space: SearchSpace, study_seed: int, count: int) -> list[Chosen]:
    """The paper's baseline: uniform in the search space, and of one study always the same."""
    streams = (np.random.Generator(np.random.PCG64(seeds.baseline(study_seed, place))) for place in range(count))
    return [Chosen(proposal=None, theta=space.sample(stream)) for stream in streams]


def distinct(chosen: Sequence[Chosen]) -> list[Chosen]:
    """Each generator once: the first of several."""
    first: dict[GeneratorKey, Chosen] = {}
    for generator in chosen:
        first.setdefault(generator_key(canonical(generator.theta)), generator)
    return list(first.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Final training that a user asks for, of each generator."""

    networks: int
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Networks of one generator that are still to be trained."""

    proposal: Proposal
    networks: int


def plan_final(
    chosen: Sequence[Chosen],
    proposals: Sequence[Proposal],
    evaluations: Sequence[Evaluation],
    wish: Wish,
    begun: Mapping[int, int],
) -> tuple[Planned, ...]:
    """One proposal for each generator that has fewer networks than wished, trained or in training for those epochs.

    `begun`: of proposals without an evaluation, how many networks each is to have.
    """
    networks = {**begun, **{evaluation.proposal: evaluation.samples for evaluation in evaluations}}
    known = Counter[GeneratorKey]()
    for proposal in proposals:
        if proposal.final_training and proposal.fidelity == wish.epochs:
            known[generator_key(canonical(proposal.theta))] += networks.get(proposal.number, 0)
    missing = [(generator, wish.networks - known[generator_key(canonical(generator.theta))]) for generator in chosen]
    return tuple(
        Planned(
            proposal=Proposal(
                number=len(proposals) + place,
                theta=generator.theta,
                fidelity=wish.epochs,
                origin=Origin.RANDOM if generator.proposal is None else Origin.PROMOTION,
                parent=generator.proposal,
                evaluations_before=len(evaluations),
                final_training=True,
            ),
            networks=count,
        )
        for place, (generator, count) in enumerate(wanted for wanted in missing if wanted[1] > 0)
    )


def search_alone(
    proposals: Sequence[Proposal], evaluations: Sequence[Evaluation]
) -> tuple[tuple[Proposal, ...], tuple[Evaluation, ...]]:
    """A study's history without final training: what its proposer asked and was told."""
    own = tuple(proposal for proposal in proposals if not proposal.final_training)
    numbers = {proposal.number for proposal in own}
    return own, tuple(evaluation for evaluation in evaluations if evaluation.proposal in numbers)


class EndedSearch:
    """The proposer of a study whose networks are given their final training: nothing more is proposed."""

    def ask(self) -> Proposal | Pause:
        return Pause.EXHAUSTED

    def record(self, proposal: Proposal) -> None:
        raise HistoryError(f"the search was over before proposal {proposal.number}")

    def tell(self, evaluation: Evaluation) -> None:
        raise HistoryError(f"the search was over before evaluation {evaluation.number}")

    def facts(self) -> Mapping[str, int | float]:
        return {}
