"""What is to be done about a check of the images, by tables: where it stands, the actions it calls for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nago_orchestrator.control_loop.actions import (
    BeginDataCheck,
    EndDataCheck,
    EndStudy,
    NoteDataCheck,
    RepeatDataCheck,
    StopDataCheck,
)
from nago_orchestrator.control_loop.data_checks import DataState, plan_data_check
from nago_orchestrator.control_loop.retries import RetryPolicy
from nago_orchestrator.domain.attempts import Attempt, Observation, Phase
from nago_orchestrator.domain.data_checks import UNABLE, DataCheck, Known
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState
from nago_trainer.contract.back_off import BackOff
from nago_trainer.contract.data_check import DataAnswer
from nago_trainer.contract.data_report import ClassCount, DataReport
from nago_trainer.contract.task import FORMER_IMAGE_RULES, IMAGE_RULES, DatasetSettings

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
RESUMED = NOW - timedelta(days=1)
RETRIES = RetryPolicy(infrastructure=2, defect=1, back_off=BackOff(first=10, longest=600))
FOLDER = DatasetSettings(
    name="folder",
    path="/data/a",
    image_size=8,
    channels=3,
    classes=2,
    validation_fraction=0.2,
    split_seed=0,
    image_rules=IMAGE_RULES,
)
ANSWER = DataAnswer(
    report=DataReport(
        channels=3,
        images=60,
        training=48,
        validation=12,
        classes=tuple(ClassCount(name=name, images=30, training=24, validation=6) for name in ("cat", "dog")),
        smallest=(8, 8),
        largest=(8, 8),
        fingerprint="a" * 64,
    ),
    classes=2,
)
KNOWN = Known(dataset=FOLDER, batch_size=8, begun=False)


def check(number: int = 1, state: AttemptState = AttemptState.CREATED, **changes: Any) -> DataCheck:
    over = {"ended_at": NOW - timedelta(hours=1)} if state.is_final else {"ended_at": None}
    values: dict[str, Any] = {
        "failure": Failure.INFRASTRUCTURE if state is AttemptState.FAILED else None,
        "reason": None,
        "message": None,
        "study_changed_at": RESUMED,
        "created_at": NOW - timedelta(hours=2),
    }
    return DataCheck(number=number, state=state, **{**values, **over, **changes})


def state(*checks: DataCheck, **changes: Any) -> DataState:
    values: dict[str, Any] = {
        "study": StudyState.RUNNING,
        "changed_at": RESUMED,
        "draining": False,
        "known": KNOWN,
    }
    return DataState(checks=checks, **{**values, **changes})


def attempt(created_at: datetime) -> Attempt:
    return Attempt(
        id=1,
        number=1,
        name="small-t00000-a1",
        token="secret",
        state=AttemptState.RUNNING,
        failure=None,
        reason=None,
        created_at=created_at,
        started_at=None,
        ended_at=None,
    )


DONE = check(state=AttemptState.SUCCEEDED)
LOST = check(state=AttemptState.FAILED)


def test_without_a_check_one_begins_and_all_else_waits() -> None:
    assert plan_data_check(state(), RETRIES, NOW) == [BeginDataCheck(1, RESUMED, NOW)]
    assert state().is_open


def test_where_no_check_is_needed_there_is_none() -> None:
    assert plan_data_check(None, RETRIES, NOW) == []


def test_one_that_has_ended_well_is_enough_until_the_study_is_resumed() -> None:
    assert plan_data_check(state(DONE), RETRIES, NOW) == []
    assert not state(DONE).is_open
    resumed = state(DONE, changed_at=NOW - timedelta(days=9))  # by a machine whose clock is behind
    assert plan_data_check(resumed, RETRIES, NOW) == [BeginDataCheck(2, resumed.changed_at, NOW)]


@pytest.mark.parametrize("changes", [{"study": StudyState.PAUSED}, {"draining": True}])
def test_none_begins_where_nothing_may_begin(changes: dict[str, Any]) -> None:
    assert plan_data_check(state(**changes), RETRIES, NOW) == []


def test_a_trainer_that_doubts_the_images_brings_about_one_check_and_waits_for_it() -> None:
    younger = attempt(DONE.created_at + timedelta(minutes=1))
    doubted = state(DONE, suspects=(younger,))
    assert plan_data_check(doubted, RETRIES, NOW) == [BeginDataCheck(2, RESUMED, NOW, anew=True)]
    assert doubted.holds(younger)
    assert not replace(doubted, draining=True).holds(younger)
    since = check(2, AttemptState.SUCCEEDED, created_at=NOW)
    assert plan_data_check(state(DONE, since, suspects=(younger,)), RETRIES, NOW) == []
    assert not state(DONE, since, suspects=(younger,)).holds(younger)


def test_a_doubt_of_a_machine_whose_clock_is_ahead_brings_about_one_check_too() -> None:
    ahead = attempt(NOW + timedelta(hours=3))
    (begun,) = plan_data_check(state(DONE, suspects=(ahead,)), RETRIES, NOW)
    assert isinstance(begun, BeginDataCheck)
    since = check(2, AttemptState.SUCCEEDED, created_at=begun.created_at)
    assert not state(DONE, since, suspects=(ahead,)).is_open


def test_a_row_whose_job_was_never_made_gets_it() -> None:
    absent = Observation(phase=Phase.ABSENT)
    assert plan_data_check(state(check(), observation=absent), RETRIES, NOW) == [RepeatDataCheck(check())]
    doubting = state(DONE, check(2), observation=absent)
    assert plan_data_check(doubting, RETRIES, NOW) == [RepeatDataCheck(check(2), anew=True)]


def test_why_it_waits_is_noted_when_it_changes_and_that_it_runs() -> None:
    full = Observation(phase=Phase.PENDING, reason="Unschedulable", message="no node has room")
    noted = NoteDataCheck(check(), AttemptState.CREATED, "Unschedulable", "no node has room")
    assert plan_data_check(state(check(), observation=full), RETRIES, NOW) == [noted]
    told = check(reason="Unschedulable", message="no node has room")
    assert plan_data_check(state(told, observation=full), RETRIES, NOW) == []
    assert plan_data_check(state(check(created_at=NOW), observation=full), RETRIES, NOW) == []
    runs = Observation(phase=Phase.RUNNING)
    assert plan_data_check(state(told, observation=runs), RETRIES, NOW) == [
        NoteDataCheck(told, AttemptState.RUNNING, None, None)
    ]
    assert plan_data_check(state(check(state=AttemptState.RUNNING), observation=runs), RETRIES, NOW) == []


def test_an_answer_ends_it_well_with_what_was_found() -> None:
    seen = Observation(phase=Phase.ENDED, data=ANSWER)
    (end,) = plan_data_check(state(check(), observation=seen), RETRIES, NOW)
    assert isinstance(end, EndDataCheck)
    assert end.state is AttemptState.SUCCEEDED
    assert end.found is not None
    assert end.found.dataset == replace(FOLDER, fingerprint="a" * 64, images=60)


def test_images_that_have_changed_end_the_study_with_the_sentence_of_the_trainer() -> None:
    changed = replace(ANSWER, report=replace(ANSWER.report, changes=("removed: cat/0.png",)))
    known = replace(KNOWN, dataset=replace(FOLDER, fingerprint="b" * 64))
    seen = Observation(phase=Phase.ENDED, data=changed)
    end, study = plan_data_check(state(DONE, check(2), known=known, observation=seen), RETRIES, NOW)
    assert isinstance(end, EndDataCheck)
    assert (end.state, end.failure, end.reason) == (AttemptState.FAILED, Failure.DEFECT, "DataChanged")
    sentence = "the images have changed since the study began: removed: cat/0.png (/data/a): restore them and resume, "
    assert study == EndStudy(StudyState.FAILED, f"{sentence}or submit the study under another name")


def test_what_the_trainer_says_is_wrong_with_the_images_ends_the_study_and_is_not_tried_again() -> None:
    said = "there is no such folder (/data/a)"
    seen = Observation(phase=Phase.ENDED, failure=Failure.DEFECT, reason="BadData", message=said)
    end, study = plan_data_check(state(check(), observation=seen), RETRIES, NOW)
    assert isinstance(end, EndDataCheck)
    assert study == EndStudy(StudyState.FAILED, said)


def test_a_trainer_of_before_cannot_answer_and_the_study_goes_on_by_its_rules() -> None:
    log = "error: argument COMMAND: invalid choice: 'check-data' (choose from run, warm, describe-data)"
    seen = Observation(
        phase=Phase.ENDED, failure=Failure.DEFECT, reason="ExitCode64", message="exit code 64", log_tail=log
    )
    (end,) = plan_data_check(state(check(), observation=seen), RETRIES, NOW)
    assert isinstance(end, EndDataCheck)
    assert (end.state, end.reason) == (AttemptState.SUCCEEDED, UNABLE)
    assert end.found is not None
    assert end.found.dataset.image_rules == FORMER_IMAGE_RULES
    begun = replace(KNOWN, begun=True)
    (end,) = plan_data_check(state(check(), known=begun, observation=seen), RETRIES, NOW)
    assert isinstance(end, EndDataCheck)
    assert end.found is not None
    assert end.found.dataset == FOLDER
    elsewhere = replace(seen, log_tail="another program")
    (end,) = plan_data_check(state(check(), observation=elsewhere), RETRIES, NOW)
    assert isinstance(end, EndDataCheck)
    assert end.state is AttemptState.FAILED


@pytest.mark.parametrize(
    ("before", "failure", "is_retried"),
    [
        ([], Failure.INFRASTRUCTURE, True),
        ([LOST], Failure.INFRASTRUCTURE, True),
        ([LOST, LOST], Failure.INFRASTRUCTURE, False),
        ([LOST, LOST, DONE], Failure.INFRASTRUCTURE, True),
        ([replace(LOST, study_changed_at=NOW)] * 5, Failure.INFRASTRUCTURE, True),
        ([replace(LOST, failure=Failure.INTERRUPTED)] * 9, Failure.INFRASTRUCTURE, True),
        ([LOST] * 9, Failure.INTERRUPTED, True),
        ([LOST], Failure.DEFECT, True),
        ([replace(LOST, failure=Failure.DEFECT)], Failure.DEFECT, False),
    ],
)
def test_a_check_is_tried_again_like_an_attempt(before: list[DataCheck], failure: Failure, is_retried: bool) -> None:
    seen = Observation(phase=Phase.ENDED, failure=failure, reason="X", message="its pod was deleted")
    end, *study = plan_data_check(state(*before, check(10), observation=seen), RETRIES, NOW)
    assert isinstance(end, EndDataCheck)
    assert (end.state, end.failure) == (AttemptState.FAILED, failure)
    told = EndStudy(StudyState.FAILED, "the images could not be checked: its pod was deleted")
    assert study == ([] if is_retried else [told])


def test_one_that_vanished_while_it_ran_is_lost() -> None:
    seen = Observation(phase=Phase.ABSENT)
    (end,) = plan_data_check(state(check(state=AttemptState.RUNNING), observation=seen), RETRIES, NOW)
    assert isinstance(end, EndDataCheck)
    assert end.failure is Failure.INFRASTRUCTURE


@pytest.mark.parametrize("failure", [Failure.INFRASTRUCTURE, Failure.DEFECT, Failure.INTERRUPTED])
def test_the_next_try_waits_a_while_whatever_failed_and_whatever_the_clock_does(failure: Failure) -> None:
    just = replace(LOST, ended_at=NOW - timedelta(seconds=5), failure=failure)
    assert plan_data_check(state(just), RETRIES, NOW) == []
    assert plan_data_check(state(just), RETRIES, NOW + timedelta(seconds=5)) == [
        BeginDataCheck(2, RESUMED, NOW + timedelta(seconds=5))
    ]
    assert plan_data_check(state(just), RETRIES, NOW - timedelta(days=1)) == [
        BeginDataCheck(2, RESUMED, NOW - timedelta(days=1))
    ]
    assert plan_data_check(state(just, just), RETRIES, NOW + timedelta(seconds=14)) == []


@pytest.mark.parametrize("over", [StudyState.CANCELLED, StudyState.FAILED])
def test_a_study_that_is_over_stops_its_check(over: StudyState) -> None:
    assert plan_data_check(state(check(), study=over), RETRIES, NOW) == [StopDataCheck(check())]
    assert plan_data_check(state(DONE, study=over), RETRIES, NOW) == []
