"""A study begins from what another one found in the same space, or is told in one sentence why it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.errors import SpecError
from nago_orchestrator.search.warm_start import Learner, SourceStudy, prior_evaluations
from nago_trainer.contract.task import DatasetSettings
from tests.studies import RECIPE

ACCURACY = Objective(name="accuracy", goal=Goal.MAXIMIZE)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE)


def proposal(number: int, fidelity: int, *, final_training: bool = False) -> Proposal:
    theta = {"top_nodes": 3 + number}
    return Proposal(
        number=number,
        theta=theta,
        fidelity=fidelity,
        origin=Origin.RANDOM,
        evaluations_before=number,
        final_training=final_training,
    )


def evaluation(number: int, outcome: Outcome = Outcome.OK) -> Evaluation:
    values = {"accuracy": number / 10, "memory": 1000.0 + number} if outcome is Outcome.OK else {}
    return Evaluation(
        proposal=number, number=number, outcome=outcome, values=values, costs=tuple(values.values()), samples=2
    )


def source(space: SearchSpace) -> SourceStudy:
    return SourceStudy(
        name="before",
        space=space,
        dataset=RECIPE.dataset,
        proposals=[
            proposal(0, 30),
            proposal(1, 60),
            proposal(2, 60),
            proposal(3, 60),
            proposal(4, 600, final_training=True),
        ],
        evaluations=[
            evaluation(0),
            evaluation(1),
            evaluation(2, Outcome.INFEASIBLE),
            evaluation(3, Outcome.LOST),
            evaluation(4),
        ],
    )


def learner(space: SearchSpace, *taught_at: int, objectives: tuple[Objective, ...] = (ACCURACY,)) -> Learner:
    return Learner(
        space=space,
        dataset=RECIPE.dataset,
        objectives=objectives,
        fidelities=(30, 60, 120, 600),
        observed_at=taught_at,
        search="ehvi",
    )


def test_what_was_measured_is_given_in_the_order_of_the_new_objectives(small_space: SearchSpace) -> None:
    found = prior_evaluations(source(small_space), learner(small_space, 60, objectives=(MEMORY, ACCURACY)))
    assert found == (
        PriorEvaluation(theta={"top_nodes": 4}, fidelity=60, outcome=Outcome.OK, costs=(1001.0, -0.1), samples=2),
        PriorEvaluation(theta={"top_nodes": 5}, fidelity=60, outcome=Outcome.INFEASIBLE, costs=(), samples=2),
    )


def test_what_is_infeasible_is_learnt_from_at_every_fidelity(small_space: SearchSpace) -> None:
    found = prior_evaluations(source(small_space), learner(small_space, 30))
    assert [(prior.fidelity, prior.outcome) for prior in found] == [(30, Outcome.OK), (60, Outcome.INFEASIBLE)]


def test_another_space_is_refused_and_the_difference_named(small_space: SearchSpace) -> None:
    other = replace(small_space, fixed={**small_space.fixed, "mid_nodes": 7})
    with pytest.raises(SpecError, match=r"that of 'before' differs in mid_nodes"):
        prior_evaluations(source(other), learner(small_space, 60))
    with pytest.raises(SpecError, match="needs the same search space"):
        prior_evaluations(source(replace(small_space, connected=True)), learner(small_space, 60))


FOLDER = replace(RECIPE.dataset, name="folder", path="/images")
LISTED = replace(FOLDER, labels="/labels.csv")


@pytest.mark.parametrize(
    ("theirs", "ours", "refused"),
    [
        (RECIPE.dataset, replace(RECIPE.dataset, test_fraction=0.2), True),
        (replace(RECIPE.dataset, test_fraction=0.2), RECIPE.dataset, False),
        (replace(RECIPE.dataset, test_fraction=0.2), replace(RECIPE.dataset, test_fraction=0.2), False),
        (FOLDER, replace(FOLDER, test_fraction=0.2), True),
        (FOLDER, replace(FOLDER, test_fraction=0.2, path="/others"), False),
        (FOLDER, replace(FOLDER, test_fraction=0.2, labels="/labels.csv"), False),
        (replace(FOLDER, test_fraction=0.3), replace(FOLDER, test_fraction=0.2), False),
        (replace(LISTED, test_fraction=0.3), replace(LISTED, test_fraction=0.2), True),
        (replace(LISTED, test_fraction=0.2), replace(LISTED, test_fraction=0.2), False),
        (RECIPE.dataset, replace(FOLDER, test_fraction=0.2), False),
        (replace(FOLDER, own_test=True), replace(FOLDER, test_fraction=0.2), False),
        (replace(FOLDER, fingerprint="a"), replace(FOLDER, test_fraction=0.2, fingerprint="a", path="/moved"), True),
        (replace(FOLDER, fingerprint="a"), replace(FOLDER, test_fraction=0.2, fingerprint="b"), False),
    ],
)
def test_a_search_that_has_seen_what_are_now_test_images_is_refused(
    small_space: SearchSpace, theirs: DatasetSettings, ours: DatasetSettings, refused: bool
) -> None:
    before, taught = replace(source(small_space), dataset=theirs), replace(learner(small_space, 60), dataset=ours)
    if not refused:
        assert prior_evaluations(before, taught)
        return
    with pytest.raises(SpecError) as told:
        prior_evaluations(before, taught)
    assert str(told.value) == (
        "the study 'before' cannot be used for a warm start: its search has seen test images of this study "
        f"(trainer.dataset.test_fraction: {theirs.test_fraction:g} there, 0.2 here): "
        f"write test_fraction: {theirs.test_fraction:g} here too, or leave 'before' out of warm_start"
    )


def test_fidelities_that_do_not_meet_are_both_named(small_space: SearchSpace) -> None:
    words = "the search by ehvi learns from trials of 120 or 600 epochs, and it has trials of 30 or 60 epochs"
    with pytest.raises(SpecError, match=words):
        prior_evaluations(source(small_space), learner(small_space, 120, 600))


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ([], "'before' cannot be used for a warm start: it has no evaluation yet"),
        (
            [Outcome.INFEASIBLE] * 3,
            "cannot be used for a warm start: none of its 3 evaluations at 60 epochs is feasible",
        ),
        (
            [Outcome.INFEASIBLE, Outcome.LOST],
            "cannot be used for a warm start: none of its 2 evaluations at 60 epochs has a value",
        ),
    ],
)
def test_evaluations_without_a_value_are_said_to_be_so(
    small_space: SearchSpace, outcomes: list[Outcome], words: str
) -> None:
    barren = SourceStudy(
        name="before",
        space=small_space,
        dataset=RECIPE.dataset,
        proposals=[proposal(number, 60) for number in range(len(outcomes))],
        evaluations=[evaluation(number, outcome) for number, outcome in enumerate(outcomes)],
    )
    with pytest.raises(SpecError, match=words):
        prior_evaluations(barren, learner(small_space, 60))


def test_an_objective_without_a_value_is_named(small_space: SearchSpace) -> None:
    seconds = Objective(name="seconds", goal=Goal.MINIMIZE)
    with pytest.raises(SpecError, match="the study 'before' has no seconds"):
        prior_evaluations(source(small_space), learner(small_space, 60, objectives=(seconds,)))


def test_parts_of_a_run_and_runs_of_their_own_are_kept_apart(small_space: SearchSpace) -> None:
    """Other learning rates lie behind them; the whole run is the same for both."""
    runs = source(small_space)
    parts = replace(
        runs, proposals=[item if item.final_training else replace(item, run_of=60) for item in runs.proposals]
    )
    usual, continuing = learner(small_space, 30, 60), replace(learner(small_space, 30, 60), run_of=60)

    def fidelities(study: SourceStudy, taught: Learner) -> list[int]:
        return [item.fidelity for item in prior_evaluations(study, taught) if item.outcome is Outcome.OK]

    assert fidelities(runs, usual) == fidelities(parts, continuing) == [30, 60]
    assert fidelities(runs, continuing) == fidelities(parts, usual) == [60]
    with pytest.raises(SpecError, match="its trials are parts of longer runs"):
        prior_evaluations(replace(parts, proposals=[replace(item, run_of=120) for item in parts.proposals]), usual)
    with pytest.raises(SpecError, match="its trials are not parts of runs of 120 epochs, as those of this study are"):
        prior_evaluations(runs, replace(usual, run_of=120))
