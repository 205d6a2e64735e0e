"""The planner, by tables: attempts that fail, and results that cannot be."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nago_orchestrator.control_loop.actions import (
    AcceptResult,
    DiscardResult,
    EndAttempt,
)
from nago_orchestrator.control_loop.planner import (
    plan,
)
from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from tests.planner_scene import (
    ABSENT,
    FINISHED,
    NOW,
    RESULT,
    RETRIES,
    RULES,
    RUNNING,
    attempt,
    ended,
    failed,
    snapshot,
    trial,
)
from tests.store_scene import EPOCH


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
