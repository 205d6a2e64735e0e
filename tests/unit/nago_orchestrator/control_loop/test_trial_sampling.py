"""Trials from proposals, and stored trials drawn again."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

import pytest

from nago_orchestrator.control_loop.trial_sampling import MOST_DIFFERENT, TrialSampling, compare_trials
from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.proposals import Origin, Proposal
from nago_orchestrator.search.proposers.port import HistoryError
from nago_orchestrator.search.proposers.replay import Difference
from nago_orchestrator.store.records import DrawnTrial
from tests.studies import RECIPE, small_spec

SAMPLING = TrialSampling(study_seed=3, connected=False, recipe=RECIPE)
SPACE = small_spec().search_space()
PROPOSALS = tuple(
    Proposal(
        number=number,
        theta=SPACE.theta({"top_nodes": 3 + number % 4, "top_p": 0.5}),
        fidelity=1,
        origin=Origin.RANDOM,
        evaluations_before=0,
    )
    for number in range(MOST_DIFFERENT + 2)
)


def drawn(number: int, **changes: Any) -> DrawnTrial:
    """The first trial of a proposal, as the store would give it."""
    trial = asdict(SAMPLING.trial(PROPOSALS[number], 0))
    kept = {field.name: trial[field.name] for field in fields(DrawnTrial) if field.name in trial}
    return replace(DrawnTrial(**kept, number=number, proposal=number), **changes)


def test_a_trial_has_the_seeds_of_its_study_proposal_and_replicate() -> None:
    trial = SAMPLING.trial(PROPOSALS[2], 1)
    assert (trial.architecture_seed, trial.training_seed) == (seeds.architecture(3, 2, 1), seeds.training(3, 2, 1))
    assert trial.replicate == 1
    assert trial.architecture_hash != SAMPLING.trial(PROPOSALS[2], 0).architecture_hash


def test_what_was_drawn_by_this_program_is_drawn_again() -> None:
    done: list[int] = []
    stored = [drawn(number) for number in range(4)]
    assert compare_trials(SAMPLING, PROPOSALS, stored, done.append) == ()
    assert done == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "changes", [{"architecture_hash": "0" * 64}, {"width": None}, {"parameters": 7}, {"bytes_per_sample": 8}]
)
def test_every_field_that_differs_is_told_with_its_trial(changes: dict[str, Any]) -> None:
    found = compare_trials(SAMPLING, PROPOSALS, [drawn(0), drawn(1, **changes)], lambda done: None)
    ((name, value),) = changes.items()
    assert found == (Difference(proposal=1, trial=1, field=name, stored=value, computed=getattr(drawn(1), name)),)


def test_another_seed_of_the_study_changes_every_trial_and_the_comparison_stops_early() -> None:
    stored = [drawn(number) for number in range(len(PROPOSALS))]
    found = compare_trials(replace(SAMPLING, study_seed=4), PROPOSALS, stored, lambda done: None)
    assert {difference.trial for difference in found} == set(range(MOST_DIFFERENT))


def test_a_theta_that_the_generator_refuses_is_told_by_its_proposal() -> None:
    broken = replace(PROPOSALS[0], theta={"top_nodes": 3})
    with pytest.raises(HistoryError, match="proposal 0"):
        compare_trials(SAMPLING, (broken,), [drawn(0)], lambda done: None)
