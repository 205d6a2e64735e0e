"""Proposals, their trials and evaluations: what goes in comes out, in its order, or not at all."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, Proposal
from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.errors import NotFoundError, StaleStateError
from nago_orchestrator.store import history
from nago_orchestrator.store.schema import epoch
from tests.databases import POSTGRESQL_IS_SLOW
from tests.store_scene import EPOCH, NEW_STUDY, NEW_TRIAL, NOW, Scene

pytestmark = POSTGRESQL_IS_SLOW

INFEASIBLE = replace(NEW_TRIAL, replicate=1, width=None, flops=None, bytes_per_sample=None, infeasible="too small")


def test_history_comes_back_exactly_in_asked_and_told_order(scene: Scene) -> None:
    asked = [
        Proposal(
            number=number,
            theta={"top_p": 0.1 + 0.2, "top_nodes": 7, "a_later_name": 3},
            fidelity=9,
            origin=Origin.PROMOTION if number else Origin.MODEL,
            bracket=1,
            rung=number,
            slot=4,
            parent=0 if number else None,
            evaluations_before=number,
        )
        for number in range(2)
    ]
    for proposal in asked:
        scene.store.add_proposal(scene.study.id, proposal, {"top_nodes": 7}, [NEW_TRIAL], NOW)
    told = [
        scene.evaluate(1, -0.9, math.inf),
        scene.evaluate(0, outcome=Outcome.LOST, samples=0),
    ]
    proposals, evaluations = scene.store.history(scene.study.id)
    assert proposals == tuple(asked)
    assert [list(proposal.theta) for proposal in proposals] == [list(asked[0].theta)] * 2
    assert evaluations == tuple(told)


def test_a_long_history_comes_back_whole(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_BATCH", 2)
    asked = [
        Proposal(
            number=number,
            theta={"top_p": number / 7, "top_nodes": 3 + number},
            fidelity=9,
            origin=Origin.RANDOM,
            evaluations_before=number,
            notes={"design": 'initial, "first"'} if number % 2 else {},
        )
        for number in range(5)
    ]
    told = []
    for proposal in asked:
        scene.store.add_proposal(scene.study.id, proposal, proposal.theta, [NEW_TRIAL], NOW)
        told.append(scene.evaluate(proposal.number, -proposal.number, 0.5))
    proposals, evaluations = scene.store.history(scene.study.id)
    assert proposals == tuple(asked)
    assert [proposal.notes for proposal in proposals] == [proposal.notes for proposal in asked]
    assert evaluations == tuple(told)


@pytest.mark.parametrize("cost", [math.nan, math.inf, -math.inf, 5e-324, 0.0, 1.7976931348623157e308])
def test_every_double_survives(scene: Scene, cost: float) -> None:
    scene.propose()
    scene.evaluate(0, 1.0, cost)
    _, (told,) = scene.store.history(scene.study.id)
    assert repr(told.costs[1]) == repr(told.values["memory"]) == repr(cost)


def test_every_epoch_number_survives(scene: Scene, engine: Engine) -> None:
    scene.propose()
    new = scene.attempt(0)
    odd = replace(EPOCH, training_loss=math.nan, validation_loss=math.inf, training_accuracy=-math.inf)
    scene.store.record_epochs(new.id, [odd], NOW)
    with engine.connect() as connection:
        row = connection.execute(select(epoch)).one()
    assert math.isnan(row.training_loss)
    assert (row.validation_loss, row.training_accuracy) == (math.inf, -math.inf)


def test_a_proposal_is_written_with_all_its_trials_or_not_at_all(scene: Scene) -> None:
    with pytest.raises(StaleStateError):
        scene.propose(NEW_TRIAL, NEW_TRIAL)  # the same replicate twice
    assert scene.store.history(scene.study.id) == ((), ())
    assert scene.store.active_trials(scene.study.id) == ()


def test_a_number_is_given_once(scene: Scene) -> None:
    scene.propose()
    with pytest.raises(StaleStateError, match="another process has written this row first"):
        scene.propose(number=0)
    scene.evaluate(0, 0.5, 1.0)
    with pytest.raises(StaleStateError):
        scene.evaluate(0, 0.5, 1.0)


def test_an_evaluation_needs_its_proposal(scene: Scene) -> None:
    with pytest.raises(NotFoundError, match="no proposal 5"):
        scene.evaluate(5, 0.5, 1.0)


def test_trial_numbers_continue_in_the_study_and_are_its_own(scene: Scene) -> None:
    scene.propose(NEW_TRIAL, replace(NEW_TRIAL, replicate=1))
    scene.propose()
    other = Scene(scene.store, scene.store.create_study(replace(NEW_STUDY, name="other"), NOW))
    other.propose()
    assert [(item.number, item.proposal) for item in scene.store.active_trials(scene.study.id)] == [
        (0, 0),
        (1, 0),
        (2, 1),
    ]
    assert [item.number for item in scene.store.active_trials(other.study.id)] == [0]


def test_a_trial_that_is_infeasible_from_the_start_is_final(scene: Scene) -> None:
    scene.propose(NEW_TRIAL, INFEASIBLE)
    (queued,) = scene.store.active_trials(scene.study.id)
    assert queued.number == 0
    (opened,) = scene.store.open_proposals(scene.study.id)
    assert [(item.state, item.infeasible) for item in opened.trials] == [
        (TrialState.QUEUED, None),
        (TrialState.INFEASIBLE, "too small"),
    ]


def test_a_design_is_what_the_trainer_needs(scene: Scene) -> None:
    scene.propose(fidelity=27)
    design = scene.store.trial_design(scene.trial_id(0))
    assert (design.study, design.number, design.fidelity) == ("digits-demo", 0, 27)
    for field in ("architecture", "width", "parameters", "training_seed"):
        assert getattr(design, field) == getattr(NEW_TRIAL, field)
    with pytest.raises(NotFoundError):
        scene.store.trial_design(99)


def test_costs_have_four_places(scene: Scene) -> None:
    scene.propose()
    five = Evaluation(proposal=0, number=0, outcome=Outcome.OK, values={}, costs=(1.0, 2.0, 3.0, 4.0, 5.0), samples=1)
    with pytest.raises(ValueError, match="at most 4 costs"):
        scene.store.add_evaluation(scene.study.id, five, NOW)
