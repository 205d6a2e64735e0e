"""Attempts, epochs, results: every transition happens once, and what is finished stays."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import StatementError

from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.errors import NotFoundError, StaleStateError
from nago_orchestrator.store.attempts import NewAttempt
from nago_orchestrator.store.records import ProposalTrial
from nago_orchestrator.store.schema import attempt, epoch, trial
from tests.store_scene import ENDED, EPOCH, NEW_TRIAL, NOW, RESULT, Scene

INFEASIBLE = replace(NEW_TRIAL, replicate=1, width=None, flops=None, bytes_per_sample=None, infeasible="too small")


def test_why_an_attempt_waits_is_gone_once_it_runs(scene: Scene) -> None:
    scene.propose()
    created = scene.attempt(0, running=False)
    scene.store.note_waiting(created.id, reason="Unschedulable", message="no node can take the pod", now=NOW)
    (waiting,) = scene.store.active_trials(scene.study.id)
    assert waiting.live_attempt == replace(created, reason="Unschedulable", message="no node can take the pod")
    scene.store.mark_running(created.id, node="here", uid="u", now=NOW)
    (running,) = scene.store.active_trials(scene.study.id)
    assert running.live_attempt == replace(created, state=AttemptState.RUNNING, started_at=NOW)
    scene.fail(created, Failure.INFRASTRUCTURE, TrialState.QUEUED, reason="PodLost")
    scene.store.note_waiting(created.id, reason="Unschedulable", message="too late", now=NOW)
    (queued,) = scene.store.active_trials(scene.study.id)
    assert queued.attempts[0].reason == "PodLost"


def test_an_attempt_that_waits_again_uses_no_time_meanwhile(scene: Scene) -> None:
    for _ in range(2):
        scene.propose()
    suspended = {"reason": "Suspended", "message": "the Job is queued"}
    for place, goes_on in enumerate((True, False)):
        attempt = scene.attempt(place, gpus=2)
        scene.store.note_waiting(attempt.id, **suspended, now=NOW + timedelta(seconds=30))
        scene.store.note_waiting(attempt.id, **{**suspended, "message": "still"}, now=NOW + timedelta(hours=5))
        if goes_on:
            scene.store.note_waiting(attempt.id, reason=None, message=None, now=NOW + timedelta(days=1))
        ended = NOW + timedelta(days=1, seconds=10)
        scene.fail(attempt, Failure.INFRASTRUCTURE, TrialState.FAILED, now=ended)
    tally = scene.store.tally(scene.study.id)
    assert (tally.seconds, tally.gpu_seconds) == (40.0 + 30.0, 140.0)


def test_gpu_time_counts_the_part_that_an_attempt_has_of_its_gpus(scene: Scene) -> None:
    scene.propose()
    new = scene.store.add_attempt(
        scene.trial_id(0), NewAttempt(name="a", token="t", executor="local", gpus=2, gpu_share=0.25), NOW
    )
    scene.store.mark_running(new.id, node="here", uid="1", now=NOW)
    scene.store.accept_result(new.id, RESULT, observation=ENDED, now=NOW + timedelta(seconds=10))
    assert scene.store.tally(scene.study.id).gpu_seconds == 5.0


def test_how_far_an_attempt_has_come_is_the_last_epoch_it_reported(scene: Scene) -> None:
    scene.propose()
    attempt = scene.attempt(0)
    scene.store.record_epochs(attempt.id, [replace(EPOCH, epoch=number) for number in (1, 2)], NOW)
    (running,) = scene.store.active_trials(scene.study.id)
    assert running.attempts[0].epochs == 2


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


def test_a_task_is_kept_as_long_as_its_attempt_lives(scene: Scene, engine: Engine) -> None:
    scene.propose()

    def tasks() -> list[object]:
        with engine.connect() as connection:
            return list(connection.scalars(select(attempt.c.task).order_by(attempt.c.number)))

    task = {"seed": 2**63 - 1, "learning_rate": 1e-5, "names": ["ö"]}
    new = scene.store.add_attempt(
        scene.trial_id(0), NewAttempt(name="n", token="t", executor="kubernetes", gpus=0, task=task), NOW
    )
    assert tasks() == [task]
    scene.fail(new, Failure.INFRASTRUCTURE, TrialState.QUEUED)
    scene.attempt(0)
    assert tasks() == [None, None]


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
        scene.store.add_attempt(running_id(engine), NewAttempt(name="n", token="t", executor="local", gpus=0), later)
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
        scene.store.add_attempt(77, NewAttempt(name="n", token="t", executor="local", gpus=0), NOW)


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
