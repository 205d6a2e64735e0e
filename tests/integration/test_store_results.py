"""Results that trainers store themselves, before their attempt has ended or after it was given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text

from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.errors import StaleStateError
from nago_orchestrator.store.engine import writing
from nago_orchestrator.store.schema import attempt
from tests.store_scene import ENDED, NOW, RESULT, Scene


def _trainer_stores_a_result(engine: Engine, attempt_id: int) -> None:
    with writing(engine) as connection:
        connection.execute(
            text(
                "INSERT INTO result (trial_id, attempt_id, validation_accuracy, validation_loss, diverged, epochs,"
                " seconds, seconds_to_first_step, parameters, device, network, recorded_at)"
                " SELECT trial_id, id, 0.5, 1.0, false, 3, 1.0, 0.1, 49000, 'cpu', NULL, created_at"
                " FROM attempt WHERE id = :id"
            ),
            {"id": attempt_id},
        )


def test_a_result_that_the_attempt_wrote_before_stays(scene: Scene, engine: Engine) -> None:
    scene.propose()
    new = scene.attempt(0)
    _trainer_stores_a_result(engine, new.id)
    (running,) = scene.store.active_trials(scene.study.id)
    assert running.result is not None
    scene.store.accept_result(new.id, RESULT, observation=ENDED, now=NOW)
    (opened,) = scene.store.open_proposals(scene.study.id)
    assert opened.trials[0].result == running.result


@pytest.mark.parametrize("stored", [True, False], ids=["stored by the trainer", "seen by the executor"])
def test_the_late_result_of_an_attempt_given_up_for_lost_is_adopted(scene: Scene, engine: Engine, stored: bool) -> None:
    scene.propose()
    new = scene.attempt(0, gpus=2)
    scene.fail(new, Failure.INFRASTRUCTURE, TrialState.QUEUED, reason="NodeLost", now=NOW + timedelta(seconds=3))
    if stored:
        _trainer_stores_a_result(engine, new.id)
    seen = replace(ENDED, ended_at=NOW + timedelta(seconds=9))
    scene.store.accept_result(new.id, RESULT, observation=seen, now=NOW + timedelta(hours=1))
    assert scene.store.active_trials(scene.study.id) == ()
    (opened,) = scene.store.open_proposals(scene.study.id)
    assert opened.trials[0].state is TrialState.SUCCEEDED
    assert opened.trials[0].result is not None
    assert opened.trials[0].result.validation_accuracy == (0.5 if stored else RESULT.validation_accuracy)
    tally = scene.store.tally(scene.study.id)
    assert (tally.failures[Failure.INFRASTRUCTURE], tally.gpu_seconds) == (0, 18.0)
    with engine.connect() as connection:
        row = connection.execute(select(attempt.c.state, attempt.c.failure, attempt.c.reason, attempt.c.node)).one()
    assert row == (AttemptState.SUCCEEDED, None, None, "here")


def test_a_stored_result_says_when_its_attempt_ended(scene: Scene, engine: Engine) -> None:
    scene.propose()
    new = scene.attempt(0, gpus=1, running=False)
    _trainer_stores_a_result(engine, new.id)
    scene.store.accept_result(new.id, RESULT, observation=ENDED, now=NOW + timedelta(hours=1))
    with engine.connect() as connection:
        row = connection.execute(select(attempt.c.started_at, attempt.c.ended_at, attempt.c.gpu_seconds)).one()
    assert row == (NOW, NOW, 0.0)  # it began no earlier than it was made, whatever an attempt before it had done


def test_only_the_newest_attempt_may_come_late(scene: Scene) -> None:
    scene.propose()
    first = scene.attempt(0)
    scene.fail(first, Failure.INFRASTRUCTURE, TrialState.QUEUED)
    second = scene.attempt(0)
    scene.fail(second, Failure.INFRASTRUCTURE, TrialState.QUEUED)
    with pytest.raises(StaleStateError, match="is failed and cannot become succeeded"):
        scene.store.accept_result(first.id, RESULT, observation=ENDED, now=NOW)
    scene.store.accept_result(second.id, RESULT, observation=ENDED, now=NOW)
    assert scene.store.active_trials(scene.study.id) == ()


@pytest.mark.parametrize("ended", [TrialState.FAILED, TrialState.CANCELLED])
def test_nothing_comes_late_to_a_trial_that_is_over(scene: Scene, ended: TrialState) -> None:
    scene.propose()
    new = scene.attempt(0)
    scene.fail(new, Failure.DEFECT, ended)
    with pytest.raises(StaleStateError):
        scene.store.accept_result(new.id, RESULT, observation=ENDED, now=NOW)


def test_a_trial_with_a_result_gets_no_further_attempt(scene: Scene, engine: Engine) -> None:
    scene.propose()
    new = scene.attempt(0)
    scene.fail(new, Failure.INFRASTRUCTURE, TrialState.QUEUED)
    _trainer_stores_a_result(engine, new.id)
    with pytest.raises(StaleStateError, match="received a result in the meantime"):
        scene.attempt(0)
    (queued,) = scene.store.active_trials(scene.study.id)
    assert (queued.state, len(queued.attempts), queued.result is not None) == (TrialState.QUEUED, 1, True)


@pytest.mark.parametrize("to", [TrialState.FAILED, TrialState.INFEASIBLE])
def test_a_trial_with_a_result_does_not_fail(scene: Scene, engine: Engine, to: TrialState) -> None:
    scene.propose()
    new = scene.attempt(0)
    _trainer_stores_a_result(engine, new.id)
    with pytest.raises(StaleStateError, match="received a result in the meantime"):
        scene.fail(new, Failure.DEFECT, to)
    (running,) = scene.store.active_trials(scene.study.id)
    assert running.live_attempt is not None
    scene.fail(new, Failure.INTERRUPTED, TrialState.CANCELLED)
    assert scene.store.active_trials(scene.study.id) == ()


def test_a_stored_result_that_is_not_valid_goes_with_its_attempt(scene: Scene, engine: Engine) -> None:
    scene.propose()
    new = scene.attempt(0)
    _trainer_stores_a_result(engine, new.id)
    scene.store.end_attempt(
        new.id,
        state=AttemptState.FAILED,
        failure=Failure.DEFECT,
        observation=replace(ENDED, reason="InvalidReport", message="The report is not valid."),
        trial_to=TrialState.FAILED,
        not_before=None,
        discards_result=True,
        now=NOW,
    )
    (opened,) = scene.store.open_proposals(scene.study.id)
    assert (opened.trials[0].state, opened.trials[0].result) == (TrialState.FAILED, None)


def test_a_late_result_can_be_discarded_and_an_accepted_one_cannot(scene: Scene, engine: Engine) -> None:
    for _ in range(2):
        scene.propose()
    lost, succeeded = scene.attempt(0), scene.attempt(1)
    scene.fail(lost, Failure.INFRASTRUCTURE, TrialState.QUEUED)
    _trainer_stores_a_result(engine, lost.id)
    scene.store.accept_result(succeeded.id, RESULT, observation=ENDED, now=NOW)
    for ended in (lost, succeeded):
        scene.store.discard_result(ended.id)
    (waiting,) = scene.store.active_trials(scene.study.id)
    assert waiting.result is None
    assert scene.store.open_proposals(scene.study.id)[1].trials[0].result == RESULT
