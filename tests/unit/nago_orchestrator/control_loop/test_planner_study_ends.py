"""The planner, by tables: how a study ends, and what is done for one that is paused or cancelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from nago_orchestrator.control_loop.actions import (
    AcceptResult,
    Ask,
    CancelQueued,
    EndAttempt,
    EndStudy,
    StopAttempt,
    Tell,
)
from nago_orchestrator.control_loop.planner import (
    Limits,
    Spent,
    plan,
)
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from tests.planner_scene import (
    FINISHED,
    NOTHING_SPENT,
    NOW,
    RESULT,
    RULES,
    RUNNING,
    UNLIMITED,
    attempt,
    ended,
    queued,
    snapshot,
    trial,
)


def test_changed_images_end_the_study_after_results_and_fail_no_trial() -> None:
    done, hit = trial(attempt(1)), trial(attempt(2), number=1)
    seen = {"s-t00000-a1": FINISHED, "s-t00000-a2": ended(Failure.DEFECT)}
    actions = plan(snapshot(done, hit, observations=seen, images_changed="the images have changed"), RULES, NOW)
    assert [type(action) for action in actions] == [AcceptResult, EndStudy]
    assert actions[-1] == EndStudy(StudyState.FAILED, "the images have changed")


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
