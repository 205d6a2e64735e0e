"""What must fail again is not tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nago_orchestrator.control_loop.retries import MUST_REPEAT, RetryPolicy, after_failure, is_due
from nago_orchestrator.domain.attempts import Attempt
from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.domain.trials import Trial
from nago_trainer.contract.back_off import BackOff

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = RetryPolicy(infrastructure=3, defect=1, back_off=BackOff(first=1.0, longest=60.0))
LIVE = Attempt(
    id=1,
    number=1,
    name="small-t00000-a1",
    token="token",
    state=AttemptState.RUNNING,
    failure=None,
    reason=None,
    created_at=NOW,
    started_at=NOW,
    ended_at=None,
)
TRIAL = Trial(
    id=0,
    number=0,
    proposal=0,
    state=TrialState.RUNNING,
    not_before=None,
    attempts=(LIVE,),
    epochs=3,
    parameters=1000,
    result=None,
)


@pytest.mark.parametrize("reason", ["KeyError", "BadData", "OOMKilled", None, *sorted(MUST_REPEAT)])
def test_an_application_error_is_retried_unless_the_next_attempt_would_meet_it_again(reason: str | None) -> None:
    wanted = TrialState.FAILED if reason in MUST_REPEAT else TrialState.QUEUED
    assert after_failure(TRIAL, (Failure.DEFECT, reason), POLICY, NOW)[0] is wanted


@pytest.mark.parametrize("failure", [Failure.INFRASTRUCTURE, Failure.INTERRUPTED])
def test_what_says_nothing_of_the_trial_is_retried_whatever_its_reason(failure: Failure) -> None:
    assert after_failure(TRIAL, (failure, "BadTask"), POLICY, NOW)[0] is TrialState.QUEUED


@pytest.mark.parametrize(("seconds", "due"), [(-1, True), (0, True), (1, False), (60, False), (61, True), (7200, True)])
def test_a_clock_that_was_set_back_makes_no_retry_wait_for_hours(seconds: int, due: bool) -> None:
    trial = replace(TRIAL, state=TrialState.QUEUED, not_before=NOW + timedelta(seconds=seconds))
    assert is_due(trial, POLICY, NOW) is due
    assert is_due(replace(trial, not_before=None), POLICY, NOW)
