"""Proposals, trials, attempts, results: what goes in comes out, and every transition happens once."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import StatementError

from nago_orchestrator.domain import (
    AttemptState,
    Evaluation,
    Failure,
    Origin,
    Outcome,
    Proposal,
    TrialState,
)
from nago_orchestrator.errors import NotFoundError, StaleStateError
from nago_orchestrator.store.engine import writing
from nago_orchestrator.store.records import ProposalTrial
from nago_orchestrator.store.schema import attempt, epoch, trial
from tests.store_scene import ENDED, EPOCH, NEW_STUDY, NEW_TRIAL, NOW, RESULT, Scene

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
            told_before=number,
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


@pytest.mark.parametrize("cost", [math.nan, math.inf, -math.inf, 5e-324, 0.0, 1.7976931348623157e308])
def test_every_double_survives(scene: Scene, cost: float) -> None:
    scene.propose()
    scene.evaluate(0, cost, 1.0)
    _, (told,) = scene.store.history(scene.study.id)
    assert repr(told.costs[0]) == repr(told.values["accuracy"]) == repr(cost)


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
    with pytest.raises(StaleStateError, match="Another process has written this first"):
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


def test_a_trial_from_its_attempt_to_its_result(scene: Scene) -> None:
    scene.propose()
    new = scene.attempt(0, gpus=2, running=False)
    assert (new.number, new.state, new.created_at, new.started_at) == (1, AttemptState.CREATED, NOW, None)
    started = NOW + timedelta(seconds=5)
    scene.store.mark_running(new.id, node="node-1", uid="u", now=started)
    (running,) = scene.store.active_trials(scene.study.id)
    assert running.state is TrialState.RUNNING
    assert running.live_attempt == replace(new, state=AttemptState.RUNNING, started_at=started)
    scene.store.accept_result(
        new.id, RESULT, observation=replace(ENDED, epochs=(EPOCH,), exit_code=0), now=NOW + timedelta(seconds=15)
    )
    assert scene.store.active_trials(scene.study.id) == ()
    (opened,) = scene.store.open_proposals(scene.study.id)
    assert opened.trials == (
        ProposalTrial(
            number=0,
            replicate=0,
            state=TrialState.SUCCEEDED,
            result=RESULT,
            parameters=NEW_TRIAL.parameters,
            flops=NEW_TRIAL.flops,
            bytes_per_sample=NEW_TRIAL.bytes_per_sample,
            infeasible=None,
        ),
    )
    tally = scene.store.tally(scene.study.id)
    assert (tally.seconds, tally.gpu_seconds) == (10.0, 20.0)
    scene.evaluate(0, -0.9, 1.0)
    assert scene.store.open_proposals(scene.study.id) == ()


def test_a_diverged_result_keeps_its_infinite_loss(scene: Scene) -> None:
    scene.propose()
    diverged = replace(RESULT, diverged=True, validation_accuracy=0.0, validation_loss=math.inf, epochs=0)
    scene.succeed(0, diverged)
    (opened,) = scene.store.open_proposals(scene.study.id)
    assert opened.trials[0].result == diverged


def test_a_failed_attempt_gives_way_to_the_next_one(scene: Scene) -> None:
    scene.propose()
    first = scene.attempt(0)
    pause = NOW + timedelta(minutes=1)
    scene.store.end_attempt(
        first.id,
        state=AttemptState.FAILED,
        failure=Failure.INFRASTRUCTURE,
        observation=replace(ENDED, reason="NodeLost", message="The node went away.", log_tail="a\0b\ud800"),
        trial_to=TrialState.QUEUED,
        not_before=pause,
        now=NOW + timedelta(seconds=3),
    )
    (queued,) = scene.store.active_trials(scene.study.id)
    assert (queued.state, queued.not_before, queued.live_attempt) == (TrialState.QUEUED, pause, None)
    assert (queued.attempts[0].failure, queued.attempts[0].reason) == (Failure.INFRASTRUCTURE, "NodeLost")
    second = scene.attempt(0)
    (running,) = scene.store.active_trials(scene.study.id)
    assert (second.number, running.not_before, len(running.attempts)) == (2, None, 2)


def test_log_lines_that_no_database_takes_are_kept_as_far_as_possible(scene: Scene, engine: Engine) -> None:
    scene.propose()
    scene.fail(scene.attempt(0), Failure.DEFECT, TrialState.FAILED, log_tail="ok\0\udcff\U0001f600\n", message="m\0")
    with engine.connect() as connection:
        row = connection.execute(select(attempt.c.log_tail, attempt.c.message)).one()
    assert row == ("ok\ufffd\ufffd\U0001f600\n", "m\ufffd")


@pytest.mark.parametrize("to", [TrialState.FAILED, TrialState.CANCELLED, TrialState.INFEASIBLE])
def test_an_attempt_may_be_the_last_one(scene: Scene, to: TrialState) -> None:
    scene.propose()
    scene.fail(scene.attempt(0), Failure.INFEASIBLE, to, message="Out of memory at batch size 1.")
    assert scene.store.active_trials(scene.study.id) == ()
    (opened,) = scene.store.open_proposals(scene.study.id)
    assert opened.trials[0].state is to
    assert (opened.trials[0].infeasible is not None) == (to is TrialState.INFEASIBLE)


def test_an_attempt_without_a_result_cannot_succeed(scene: Scene) -> None:
    scene.propose()
    new = scene.attempt(0)
    for state, to in ((AttemptState.SUCCEEDED, TrialState.SUCCEEDED), (AttemptState.FAILED, TrialState.SUCCEEDED)):
        with pytest.raises(ValueError, match="without a result"):
            scene.store.end_attempt(
                new.id, state=state, failure=None, observation=None, trial_to=to, not_before=None, now=NOW
            )


def test_a_stale_attempt_is_not_heard(scene: Scene) -> None:
    scene.propose()
    stale = scene.attempt(0)
    scene.fail(stale, Failure.INFRASTRUCTURE, TrialState.QUEUED)
    newer = scene.attempt(0)
    with pytest.raises(StaleStateError, match="is failed and cannot become succeeded"):
        scene.store.accept_result(stale.id, RESULT, observation=ENDED, now=NOW)
    (running,) = scene.store.active_trials(scene.study.id)
    assert (running.result, running.live_attempt) == (None, replace(newer, state=AttemptState.RUNNING, started_at=NOW))


def test_a_result_that_the_attempt_wrote_before_stays(scene: Scene, engine: Engine) -> None:
    scene.propose()
    new = scene.attempt(0)
    with writing(engine) as connection:
        connection.execute(
            text(
                "INSERT INTO result SELECT trial_id, id, 0.5, 1.0, false, 3, 1.0, 0.1, 49000, 'cpu', NULL, created_at"
                " FROM attempt"
            )
        )
    (running,) = scene.store.active_trials(scene.study.id)
    assert running.result is not None
    scene.store.accept_result(new.id, RESULT, observation=ENDED, now=NOW)
    (opened,) = scene.store.open_proposals(scene.study.id)
    assert opened.trials[0].result == running.result


def test_finished_rows_never_change(scene: Scene, engine: Engine) -> None:
    scene.propose()
    new = scene.attempt(0)
    scene.store.accept_result(new.id, RESULT, observation=ENDED, now=NOW)

    def rows() -> list[object]:
        with engine.connect() as connection:
            return [*connection.execute(select(trial)), *connection.execute(select(attempt))]

    before, later = rows(), NOW + timedelta(hours=1)
    with pytest.raises(StaleStateError):
        scene.store.accept_result(new.id, replace(RESULT, epochs=9), observation=ENDED, now=later)
    with pytest.raises(StaleStateError):
        scene.store.mark_running(new.id, node="elsewhere", uid=None, now=later)
    with pytest.raises(StaleStateError):
        scene.fail(new, Failure.DEFECT, TrialState.QUEUED, now=later)
    with pytest.raises(StaleStateError):
        scene.store.add_attempt(running_id(engine), name="n", token="t", executor="local", gpus=0, now=later)
    scene.store.cancel_trials(scene.study.id, later)
    assert rows() == before


def running_id(engine: Engine) -> int:
    with engine.connect() as connection:
        found: int = connection.execute(select(trial.c.id)).scalar_one()
    return found


def test_unknown_attempts_are_not_found(scene: Scene) -> None:
    with pytest.raises(NotFoundError):
        scene.store.mark_running(77, node=None, uid=None, now=NOW)
    with pytest.raises(NotFoundError):
        scene.store.accept_result(77, RESULT, observation=ENDED, now=NOW)
    with pytest.raises(NotFoundError):
        scene.store.add_attempt(77, name="n", token="t", executor="local", gpus=0, now=NOW)


def test_epochs_may_be_reported_again(scene: Scene, engine: Engine) -> None:
    scene.propose()
    new = scene.attempt(0)
    scene.store.record_epochs(new.id, [EPOCH], NOW)
    scene.store.record_epochs(new.id, [replace(EPOCH, seconds=99.0), replace(EPOCH, epoch=2)], NOW)
    scene.store.record_epochs(new.id, [], NOW)
    with engine.connect() as connection:
        found = connection.execute(select(epoch.c.epoch, epoch.c.seconds).order_by(epoch.c.epoch)).all()
    assert found == [(1, EPOCH.seconds), (2, EPOCH.seconds)]


def test_cancelling_leaves_running_trials_alone(scene: Scene) -> None:
    for _ in range(3):
        scene.propose()
    scene.attempt(1)
    scene.store.cancel_trials(scene.study.id, NOW)
    (running,) = scene.store.active_trials(scene.study.id)
    assert running.number == 1
    assert scene.store.tally(scene.study.id).trials[TrialState.CANCELLED] == 2


def test_the_tally_counts_everything_once(scene: Scene) -> None:
    for _ in range(5):
        scene.propose()
    scene.succeed(0, gpus=1, seconds=10.0)
    scene.fail(scene.attempt(1), Failure.DEFECT, TrialState.QUEUED, now=NOW + timedelta(seconds=2))
    scene.fail(scene.attempt(1), Failure.DEFECT, TrialState.FAILED, now=NOW + timedelta(seconds=3))
    scene.fail(scene.attempt(2), Failure.INTERRUPTED, TrialState.QUEUED)
    scene.attempt(3, running=False)
    scene.evaluate(0, 0.1, 0.2)
    tally = scene.store.tally(scene.study.id)
    assert (tally.proposals, tally.evaluations, tally.attempts, tally.live_attempts) == (5, 1, 5, 1)
    assert tally.trials == {
        TrialState.QUEUED: 2,
        TrialState.RUNNING: 1,
        TrialState.SUCCEEDED: 1,
        TrialState.FAILED: 1,
        TrialState.INFEASIBLE: 0,
        TrialState.CANCELLED: 0,
    }
    assert tally.failures == {
        Failure.DEFECT: 2,
        Failure.INTERRUPTED: 1,
        Failure.INFEASIBLE: 0,
        Failure.INFRASTRUCTURE: 0,
    }
    assert (tally.defects, tally.seconds, tally.gpu_seconds, tally.started_at) == (2, 15.0, 10.0, NOW)


def test_times_are_moments_whatever_zone_they_come_in(scene: Scene) -> None:
    scene.propose()
    tokyo = datetime(2026, 5, 4, 21, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    new = scene.attempt(0, running=False, now=tokyo)
    assert new.created_at == tokyo
    assert new.created_at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(scene: Scene) -> None:
    with pytest.raises(StatementError, match="without a time zone"):
        scene.store.cancel_trials(scene.study.id, NOW.replace(tzinfo=None))


def test_costs_have_four_places(scene: Scene) -> None:
    scene.propose()
    five = Evaluation(proposal=0, number=0, outcome=Outcome.OK, values={}, costs=(1.0, 2.0, 3.0, 4.0, 5.0), samples=1)
    with pytest.raises(ValueError, match="at most 4 costs"):
        scene.store.add_evaluation(scene.study.id, five, NOW)
