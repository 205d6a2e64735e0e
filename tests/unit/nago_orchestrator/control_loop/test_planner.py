"""The planner, by tables: one situation, the actions it calls for."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nago_orchestrator.control_loop.actions import (
    AcceptResult,
    Ask,
    CancelQueued,
    DiscardResult,
    EndAttempt,
    EndStudy,
    MarkRunning,
    NoteWaiting,
    RepeatStart,
    StartAttempt,
    StopAttempt,
    Tell,
)
from nago_orchestrator.control_loop.planner import (
    PORTION,
    RESULT_GRACE,
    Limits,
    Rules,
    Snapshot,
    Spent,
    plan,
)
from nago_orchestrator.control_loop.retries import RetryPolicy
from nago_orchestrator.domain.attempts import Attempt, Observation, Phase
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.domain.trials import Trial
from nago_trainer.contract.back_off import BackOff
from nago_trainer.contract.reports import TrialResult
from tests.store_scene import EPOCH

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
RETRIES = RetryPolicy(infrastructure=3, defect=1, back_off=BackOff(first=10, longest=600))
UNLIMITED = Limits(trials=None, wall_time=None, gpu_hours=None, failed_fraction=0.5)
RULES = Rules(parallelism=2, replicates=1, limits=UNLIMITED, retries=RETRIES)
ALONE = replace(RULES, parallelism=1)
NOTHING_SPENT = Spent(
    trials=0,
    succeeded=0,
    infeasible=0,
    failed=0,
    recent_ended=0,
    recent_failed=0,
    gpu_seconds=0.0,
    ran=timedelta(0),
    common_failure=None,
)
RESULT = TrialResult(
    validation_accuracy=0.9,
    validation_loss=0.3,
    diverged=False,
    epochs=3,
    seconds=1.0,
    seconds_to_first_step=0.1,
    parameters=1000,
    device="cpu",
    network=None,
)


def attempt(
    number: int = 1,
    *,
    state: AttemptState = AttemptState.RUNNING,
    failure: Failure | None = None,
    epochs: int = 0,
) -> Attempt:
    return Attempt(
        id=number,
        number=number,
        name=f"s-t00000-a{number}",
        token="token",
        state=state,
        failure=failure,
        reason=None,
        created_at=NOW,
        started_at=None,
        ended_at=None,
        epochs=epochs,
    )


def failed(number: int, failure: Failure, epochs: int = 0) -> Attempt:
    return attempt(number, state=AttemptState.FAILED, failure=failure, epochs=epochs)


def trial(
    *attempts: Attempt, state: TrialState = TrialState.RUNNING, number: int = 0, not_before: datetime | None = None
) -> Trial:
    return Trial(
        id=number,
        number=number,
        proposal=number,
        state=state,
        not_before=not_before,
        attempts=attempts,
        epochs=RESULT.epochs,
        parameters=RESULT.parameters,
        result=None,
    )


def queued(number: int = 0, not_before: datetime | None = None) -> Trial:
    return trial(state=TrialState.QUEUED, number=number, not_before=not_before)


def snapshot(*trials: Trial, seen: Observation | None = None, **changes: object) -> Snapshot:
    names = [live.name for one in trials if (live := one.live_attempt)]
    empty = Snapshot(
        state=StudyState.RUNNING,
        draining=False,
        trials=trials,
        observations={name: seen for name in names} if seen else {},
        ready=(),
        spent=NOTHING_SPENT,
        exhausted=False,
        waiting=False,
    )
    return replace(empty, **changes)  # type: ignore[arg-type]  # the tests' own field names


ABSENT = Observation(phase=Phase.ABSENT)
RUNNING = Observation(phase=Phase.RUNNING)
FINISHED = Observation(phase=Phase.ENDED, result=RESULT, exit_code=0)


def ended(failure: Failure) -> Observation:
    return Observation(phase=Phase.ENDED, failure=failure, exit_code=1)


def test_changed_images_end_the_study_after_results_and_fail_no_trial() -> None:
    done, hit = trial(attempt(1)), trial(attempt(2), number=1)
    seen = {"s-t00000-a1": FINISHED, "s-t00000-a2": ended(Failure.DEFECT)}
    actions = plan(snapshot(done, hit, observations=seen, images_changed="the images have changed"), RULES, NOW)
    assert [type(action) for action in actions] == [AcceptResult, EndStudy]
    assert actions[-1] == EndStudy(StudyState.FAILED, "the images have changed")


def test_an_empty_study_asks_for_as_many_proposals_as_there_are_places() -> None:
    assert plan(snapshot(), RULES, NOW) == [Ask()] * RULES.parallelism


@pytest.mark.parametrize(
    ("parallelism", "replicates", "trials", "asked"), [(8, 1, 5, 5), (8, 3, None, 3), (8, 3, 7, 2)]
)
def test_as_many_proposals_are_asked_for_as_places_and_limit_allow(
    parallelism: int, replicates: int, trials: int | None, asked: int
) -> None:
    limits = replace(RULES.limits, trials=trials)
    rules = replace(RULES, parallelism=parallelism, replicates=replicates, limits=limits)
    assert plan(snapshot(), rules, NOW) == [Ask()] * asked


def test_a_queued_trial_is_started_and_free_places_are_asked_for() -> None:
    assert plan(snapshot(queued()), RULES, NOW) == [StartAttempt(queued()), Ask()]


def test_never_more_attempts_than_parallelism() -> None:
    trials = (trial(attempt()), queued(1), queued(2))
    assert plan(snapshot(*trials, seen=RUNNING), RULES, NOW) == [StartAttempt(queued(1))]


def test_a_trial_that_rests_is_not_started_but_keeps_its_place() -> None:
    rules = replace(RULES, parallelism=1)
    resting = queued(not_before=NOW + timedelta(seconds=1))
    assert plan(snapshot(resting), rules, NOW) == []
    assert plan(snapshot(resting), rules, NOW + timedelta(seconds=1)) == [StartAttempt(resting)]


def test_an_attempt_seen_running_is_marked_once() -> None:
    fresh = trial(attempt(state=AttemptState.CREATED))
    created = fresh.attempts[0]
    rules = replace(RULES, parallelism=1)
    assert plan(snapshot(fresh, seen=RUNNING), rules, NOW) == [MarkRunning(fresh, created, RUNNING)]
    assert plan(snapshot(trial(attempt()), seen=RUNNING), rules, NOW) == []


@pytest.mark.parametrize("state", [AttemptState.CREATED, AttemptState.RUNNING])
def test_an_attempt_that_is_about_to_begin_is_waited_for(state: AttemptState) -> None:
    rules = replace(RULES, parallelism=1)
    assert plan(snapshot(trial(attempt(state=state)), seen=Observation(phase=Phase.PENDING)), rules, NOW) == []


WAITS = Observation(phase=Phase.PENDING, reason="Unschedulable", message="no node can take the pod")


def test_why_an_attempt_waits_is_noted_once_it_has_waited_for_a_moment() -> None:
    created = trial(attempt(state=AttemptState.CREATED))
    assert plan(snapshot(created, seen=WAITS), ALONE, NOW) == []
    noted = [NoteWaiting(created, created.attempts[0], WAITS.reason, WAITS.message)]
    assert plan(snapshot(created, seen=WAITS), ALONE, NOW + timedelta(seconds=10)) == noted


def test_what_is_noted_is_not_noted_again_until_it_changes() -> None:
    known = replace(attempt(state=AttemptState.CREATED), reason=WAITS.reason, message=WAITS.message)
    later = NOW + timedelta(hours=1)
    assert plan(snapshot(trial(known), seen=WAITS), ALONE, later) == []
    (noted,) = plan(snapshot(trial(known), seen=replace(WAITS, reason="ErrImagePull")), ALONE, later)
    assert isinstance(noted, NoteWaiting)
    assert noted.reason == "ErrImagePull"


def test_an_attempt_that_ran_and_waits_again_is_told_from_one_that_goes_on() -> None:
    suspended = Observation(phase=Phase.PENDING, reason="Suspended", message="the Job is queued")
    later = NOW + timedelta(hours=1)
    running = trial(attempt())
    noted = [NoteWaiting(running, running.attempts[0], "Suspended", "the Job is queued")]
    assert plan(snapshot(running, seen=suspended), ALONE, later) == noted
    waiting = trial(replace(attempt(), reason="Suspended", message="the Job is queued"))
    assert plan(snapshot(waiting, seen=RUNNING), ALONE, later) == [
        NoteWaiting(waiting, waiting.attempts[0], None, None)
    ]


def test_an_attempt_whose_process_never_came_to_be_is_started_again_under_its_own_name() -> None:
    fresh = trial(attempt(state=AttemptState.CREATED))
    assert plan(snapshot(fresh, seen=ABSENT), ALONE, NOW) == [RepeatStart(fresh, fresh.attempts[0])]


def test_a_result_is_accepted_even_if_the_process_was_killed_after_writing_it() -> None:
    running = trial(attempt())
    seen = replace(FINISHED, exit_code=-9)
    assert plan(snapshot(running, seen=seen), RULES, NOW) == [AcceptResult(running, running.attempts[0], seen, RESULT)]


def test_a_result_that_the_trainer_stored_itself_is_accepted_as_well() -> None:
    running = replace(trial(attempt()), result=RESULT)
    assert plan(snapshot(running, seen=RUNNING), RULES, NOW) == [
        AcceptResult(running, running.attempts[0], RUNNING, RESULT)
    ]


def test_a_success_says_nothing_of_what_became_of_its_process_or_job_afterwards() -> None:
    running = trial(attempt())
    gone = Observation(phase=Phase.ABSENT, reason="JobDeleted", message="its Job is gone")
    (accepted,) = plan(snapshot(replace(running, result=RESULT), seen=gone), RULES, NOW)
    assert isinstance(accepted, AcceptResult)
    assert (accepted.observation.reason, accepted.observation.message) == (None, None)


def test_a_late_result_of_an_attempt_that_was_given_up_is_taken_instead_of_a_new_attempt() -> None:
    lost = failed(1, Failure.INFRASTRUCTURE)
    resting = replace(trial(lost, state=TrialState.QUEUED, not_before=NOW + timedelta(hours=1)), result=RESULT)
    assert plan(snapshot(resting), RULES, NOW) == [AcceptResult(resting, lost, Observation(phase=Phase.ENDED), RESULT)]


def test_a_result_may_be_on_its_way_for_a_while_after_a_good_end() -> None:
    running = trial(attempt())
    seen = Observation(phase=Phase.ENDED, exit_code=0, ended_at=NOW)
    rules = replace(RULES, parallelism=1)
    assert plan(snapshot(running, seen=seen), rules, NOW + RESULT_GRACE / 2) == []
    (action,) = plan(snapshot(running, seen=seen), rules, NOW + RESULT_GRACE)
    assert isinstance(action, EndAttempt)
    assert action.failure is Failure.DEFECT


def test_results_are_told_before_anything_new_is_asked() -> None:
    assert plan(snapshot(ready=(4, 5)), RULES, NOW) == [Tell(4), Tell(5), Ask(), Ask()]


def test_nothing_is_asked_before_what_has_ended_is_told() -> None:
    done = replace(trial(attempt()), result=RESULT)
    actions = plan(snapshot(done, queued(1), seen=RUNNING), replace(RULES, parallelism=4), NOW)
    assert [type(action) for action in actions] == [AcceptResult, StartAttempt]


def test_of_many_ends_the_first_have_successors_before_the_last_are_looked_at() -> None:
    ended_trials = [replace(trial(attempt(), number=number), result=RESULT) for number in range(5 * PORTION)]
    rules = replace(RULES, parallelism=10 * PORTION)
    crowd = snapshot(*ended_trials, seen=RUNNING, ready=tuple(range(100, 100 + PORTION)))
    counts = Counter(type(action) for action in plan(crowd, rules, NOW))
    assert counts == {AcceptResult: PORTION, Tell: PORTION, Ask: PORTION}


@pytest.mark.parametrize(
    ("before", "seen", "trial_to", "pause"),
    [
        ((), ABSENT, TrialState.QUEUED, 10),
        ((), ended(Failure.INFRASTRUCTURE), TrialState.QUEUED, 10),
        ((Failure.INFRASTRUCTURE,), ended(Failure.INFRASTRUCTURE), TrialState.QUEUED, 20),
        ((Failure.INFRASTRUCTURE,) * 2, ended(Failure.INFRASTRUCTURE), TrialState.QUEUED, 40),
        ((Failure.INFRASTRUCTURE,) * 3, ended(Failure.INFRASTRUCTURE), TrialState.FAILED, None),
        ((), ended(Failure.DEFECT), TrialState.QUEUED, None),
        ((Failure.DEFECT,), ended(Failure.DEFECT), TrialState.FAILED, None),
        ((Failure.DEFECT,), ended(Failure.INFRASTRUCTURE), TrialState.QUEUED, 10),
        ((Failure.INFRASTRUCTURE,) * 3, ended(Failure.DEFECT), TrialState.QUEUED, None),
        ((), ended(Failure.INFEASIBLE), TrialState.INFEASIBLE, None),
        ((Failure.INTERRUPTED,) * 9, ended(Failure.INTERRUPTED), TrialState.QUEUED, None),
    ],
)
def test_each_kind_of_failure_has_its_own_allowance(
    before: tuple[Failure, ...], seen: Observation, trial_to: TrialState, pause: int | None
) -> None:
    history = [failed(number, failure) for number, failure in enumerate(before, start=1)]
    running = trial(*history, attempt(len(history) + 1))
    (action,) = plan(snapshot(running, seen=seen), RULES, NOW)
    assert isinstance(action, EndAttempt)
    assert (action.state, action.trial_to) == (AttemptState.FAILED, trial_to)
    assert action.not_before == (None if pause is None else NOW + timedelta(seconds=pause))


@pytest.mark.parametrize(
    ("reached", "now", "seen", "trial_to", "pause"),
    [
        ((1, 2, 3), 4, 0, TrialState.QUEUED, 10),
        ((1, 2, 3), 0, 4, TrialState.QUEUED, 10),
        ((1, 2, 2), 2, 0, TrialState.QUEUED, 40),
        ((2, 2, 2), 2, 0, TrialState.FAILED, None),
        ((2, 1, 2), 1, 2, TrialState.FAILED, None),
        ((1, 1, 1, 2, 2), 2, 0, TrialState.QUEUED, 40),
        ((0, 0, 0), 1, 0, TrialState.QUEUED, 10),
    ],
)
def test_an_attempt_that_comes_further_than_all_before_renews_the_allowance(
    reached: tuple[int, ...], now: int, seen: int, trial_to: TrialState, pause: int | None
) -> None:
    history = [failed(number, Failure.INFRASTRUCTURE, epochs) for number, epochs in enumerate(reached, start=1)]
    running = trial(*history, attempt(len(history) + 1, epochs=now))
    lost = replace(ended(Failure.INFRASTRUCTURE), epochs=(replace(EPOCH, epoch=seen),) if seen else ())
    (action,) = plan(snapshot(running, seen=lost), RULES, NOW)
    assert isinstance(action, EndAttempt)
    assert action.trial_to is trial_to
    assert action.not_before == (None if pause is None else NOW + timedelta(seconds=pause))


def test_no_progress_of_others_kinds_of_failure_counts() -> None:
    history = [failed(1, Failure.DEFECT, 5), *(failed(number, Failure.INFRASTRUCTURE, 5) for number in (2, 3, 4))]
    (action,) = plan(snapshot(trial(*history, attempt(5, epochs=5)), seen=ABSENT), RULES, NOW)
    assert isinstance(action, EndAttempt)
    assert action.trial_to is TrialState.FAILED


def test_the_pause_between_retries_has_an_upper_end() -> None:
    patient = replace(RULES, retries=replace(RETRIES, infrastructure=100))
    history = [failed(number, Failure.INFRASTRUCTURE) for number in range(1, 60)]
    running = trial(*history, attempt(60))
    (action,) = plan(snapshot(running, seen=ABSENT), patient, NOW)
    assert isinstance(action, EndAttempt)
    assert action.not_before == NOW + timedelta(minutes=10)


def test_an_end_without_result_or_cause_counts_as_a_defect() -> None:
    running = trial(attempt())
    (action,) = plan(snapshot(running, seen=Observation(phase=Phase.ENDED, exit_code=70)), RULES, NOW)
    assert isinstance(action, EndAttempt)
    assert action.failure is Failure.DEFECT


def test_draining_finishes_and_tells_but_starts_and_asks_nothing() -> None:
    running = trial(attempt())
    assert plan(snapshot(running, queued(1), seen=RUNNING, draining=True), RULES, NOW) == []
    assert plan(snapshot(running, seen=FINISHED, draining=True), RULES, NOW) == [
        AcceptResult(running, running.attempts[0], FINISHED, RESULT)
    ]
    assert plan(snapshot(ready=(1,), draining=True), RULES, NOW) == [Tell(1)]


def test_a_paused_study_finishes_what_runs() -> None:
    running = trial(attempt())
    assert plan(snapshot(running, queued(1), seen=RUNNING, state=StudyState.PAUSED), RULES, NOW) == []
    assert plan(snapshot(ready=(1,), state=StudyState.PAUSED), RULES, NOW) == [Tell(1)]


def test_a_cancelled_study_stops_and_cancels_everything() -> None:
    running = trial(attempt())
    actions = plan(snapshot(running, queued(1), seen=RUNNING, state=StudyState.CANCELLED), RULES, NOW)
    assert actions == [
        StopAttempt(running.attempts[0]),
        EndAttempt(running, running.attempts[0], AttemptState.CANCELLED, None, RUNNING, TrialState.CANCELLED),
        CancelQueued(),
    ]


def test_a_failed_study_keeps_its_trials_for_the_day_it_is_resumed() -> None:
    running = trial(attempt())
    actions = plan(snapshot(running, queued(1), seen=RUNNING, state=StudyState.FAILED), RULES, NOW)
    assert actions == [
        StopAttempt(running.attempts[0]),
        EndAttempt(running, running.attempts[0], AttemptState.FAILED, Failure.INTERRUPTED, RUNNING, TrialState.QUEUED),
    ]


@pytest.mark.parametrize(
    ("limits", "spent"),
    [
        (replace(UNLIMITED, trials=7), replace(NOTHING_SPENT, trials=7, succeeded=7)),
        (replace(UNLIMITED, wall_time=timedelta(hours=1)), replace(NOTHING_SPENT, ran=timedelta(hours=1))),
        (replace(UNLIMITED, gpu_hours=2.0), replace(NOTHING_SPENT, gpu_seconds=7200.0)),
    ],
)
def test_a_reached_limit_stops_asking_and_completes_the_study_when_the_last_trial_ends(
    limits: Limits, spent: Spent
) -> None:
    rules = replace(RULES, limits=limits)
    assert plan(snapshot(trial(attempt()), seen=RUNNING, spent=spent), rules, NOW) == []
    (action,) = plan(snapshot(spent=spent), rules, NOW)
    assert isinstance(action, EndStudy)
    assert action.state is StudyState.COMPLETED
    assert "limits." in (action.message or "")


def test_failures_before_a_study_was_resumed_are_forgiven() -> None:
    spent = replace(NOTHING_SPENT, failed=9, recent_ended=0, recent_failed=0)
    assert plan(snapshot(spent=spent), RULES, NOW) == [Ask()] * RULES.parallelism


def test_no_proposal_is_made_whose_trials_exceed_the_limit() -> None:
    rules = replace(RULES, replicates=2, limits=replace(UNLIMITED, trials=5))
    assert plan(snapshot(spent=replace(NOTHING_SPENT, trials=3)), rules, NOW) == [Ask()]
    (action,) = plan(snapshot(spent=replace(NOTHING_SPENT, trials=4, succeeded=4)), rules, NOW)
    assert isinstance(action, EndStudy)


def test_an_exhausted_proposer_completes_the_study_only_after_its_last_trial() -> None:
    assert plan(snapshot(trial(attempt()), seen=RUNNING, exhausted=True), RULES, NOW) == []
    (action,) = plan(snapshot(exhausted=True), RULES, NOW)
    assert isinstance(action, EndStudy)
    assert action.state is StudyState.COMPLETED


def test_a_waiting_proposer_is_not_asked_until_it_was_told() -> None:
    assert plan(snapshot(trial(attempt()), seen=RUNNING, waiting=True), RULES, NOW) == []


def test_a_proposer_that_waits_for_nothing_fails_the_study_instead_of_hanging() -> None:
    (action,) = plan(snapshot(waiting=True), RULES, NOW)
    assert isinstance(action, EndStudy)
    assert action.state is StudyState.FAILED


@pytest.mark.parametrize(
    ("succeeded", "failures", "stops"),
    [(0, 2, False), (0, 3, True), (1, 3, False), (2, 3, True), (5, 5, False), (5, 6, True)],
)
def test_too_many_failures_stop_the_study_with_their_cause(succeeded: int, failures: int, stops: bool) -> None:
    spent = replace(
        NOTHING_SPENT,
        recent_ended=succeeded + failures,
        recent_failed=failures,
        common_failure="ExitCode64: no such folder",
    )
    actions = plan(snapshot(spent=spent), RULES, NOW)
    assert (actions != [Ask()] * RULES.parallelism) is stops
    if stops:
        (action,) = actions
        assert isinstance(action, EndStudy)
        assert action.state is StudyState.FAILED
        assert "ExitCode64: no such folder" in (action.message or "")


@pytest.mark.parametrize(
    ("succeeded", "infeasible", "failures", "state"),
    [
        (0, 0, 0, StudyState.COMPLETED),
        (1, 1, 1, StudyState.COMPLETED),
        (0, 2, 0, StudyState.FAILED),
        (0, 0, 2, StudyState.FAILED),
        (0, 1, 1, StudyState.FAILED),
    ],
)
def test_a_search_that_tried_and_found_nothing_has_failed(
    succeeded: int, infeasible: int, failures: int, state: StudyState
) -> None:
    spent = replace(NOTHING_SPENT, succeeded=succeeded, infeasible=infeasible, failed=failures)
    (action,) = plan(snapshot(spent=spent, exhausted=True), RULES, NOW)
    assert isinstance(action, EndStudy)
    assert action.state is state
    assert (f"no trial succeeded: {failures} failed, {infeasible} infeasible" in (action.message or "")) is (
        state is StudyState.FAILED
    )


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({"validation_accuracy": 7.0}, "validation_accuracy must be between 0 and 1"),
        ({"seconds": math.inf}, "seconds must be between"),
        ({"epochs": RESULT.epochs + 1}, "epochs must be at most 3"),
        ({"parameters": 1}, "parameters must be 1,000"),
    ],
)
def test_a_result_that_is_not_valid_fails_its_attempt_alone(changes: dict[str, Any], clause: str) -> None:
    wrong = replace(RESULT, **changes)
    reported = plan(snapshot(trial(attempt()), seen=replace(FINISHED, result=wrong)), RULES, NOW)
    stored = plan(snapshot(replace(trial(attempt()), result=wrong), seen=RUNNING), RULES, NOW)
    for first in (reported[0], stored[0]):
        assert isinstance(first, EndAttempt)
        assert first.observation is not None
        assert (first.failure, first.discards_result) == (Failure.DEFECT, True)
        assert first.observation.reason == "InvalidReport"
        assert first.observation.result is None
        assert clause in (first.observation.message or "")
    assert not any(isinstance(action, AcceptResult) for action in [*reported, *stored])


def test_a_trainer_that_does_not_report_what_is_optimised_is_named_and_not_asked_again() -> None:
    rules = replace(RULES, measures=("macro_f1",))
    (action, *_) = plan(snapshot(trial(attempt()), seen=replace(FINISHED, result=RESULT)), rules, NOW)
    assert isinstance(action, EndAttempt)
    assert action.observation is not None
    assert (action.failure, action.trial_to, action.discards_result) == (Failure.DEFECT, TrialState.FAILED, True)
    assert action.observation.reason == "OldTrainer"
    assert "does not report macro_f1, which the study optimises" in (action.observation.message or "")
    complete = replace(FINISHED, result=replace(RESULT, macro_f1=0.0))
    assert isinstance(plan(snapshot(trial(attempt()), seen=complete), rules, NOW)[0], AcceptResult)


def test_a_late_result_that_is_not_valid_is_discarded() -> None:
    lost = replace(trial(failed(1, Failure.INFRASTRUCTURE), state=TrialState.QUEUED), result=replace(RESULT, epochs=99))
    (first, *_) = plan(snapshot(lost), RULES, NOW)
    assert first == DiscardResult(lost, lost.attempts[-1], "epochs must be at most 3, those of the trial")
