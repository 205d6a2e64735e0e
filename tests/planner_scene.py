"""Situations for the planner: trials and attempts in some state, and a snapshot of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from nago_orchestrator.control_loop.planner import (
    Limits,
    Rules,
    Snapshot,
    Spent,
)
from nago_orchestrator.control_loop.retries import RetryPolicy
from nago_orchestrator.domain.attempts import Attempt, Observation, Phase
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.domain.trials import Trial
from nago_trainer.contract.back_off import BackOff
from nago_trainer.contract.reports import TrialResult

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
