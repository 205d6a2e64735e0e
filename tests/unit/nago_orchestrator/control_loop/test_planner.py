"""The planner, by tables: one situation, the actions it calls for. Here: trials that begin, run and end well."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from nago_orchestrator.control_loop.actions import (
    AcceptResult,
    Ask,
    EndAttempt,
    MarkRunning,
    NoteWaiting,
    RepeatStart,
    StartAttempt,
    Tell,
)
from nago_orchestrator.control_loop.planner import (
    PORTION,
    RESULT_GRACE,
    plan,
)
from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from tests.planner_scene import (
    ABSENT,
    ALONE,
    FINISHED,
    NOW,
    RESULT,
    RULES,
    RUNNING,
    attempt,
    failed,
    queued,
    snapshot,
    trial,
)


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
