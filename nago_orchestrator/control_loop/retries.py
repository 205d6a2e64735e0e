"""What becomes of a trial whose attempt has failed: another attempt, or its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from nago_orchestrator.domain.states import Failure, TrialState
from nago_orchestrator.domain.trials import Trial
from nago_trainer.contract.back_off import BackOff

MUST_REPEAT = frozenset({"BadObjective", "BadTask", "OldTrainer"})
"""Reasons of application errors that the next attempt would meet again, for its task and its trainer are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    infrastructure: int
    """New attempts of one trial after failures that say nothing about it, from its last progress on."""
    defect: int
    back_off: BackOff
    """Before each retry of an infrastructure failure."""


def after_failure(
    trial: Trial, cause: tuple[Failure, str | None], retries: RetryPolicy, now: datetime, *, epochs: int = 0
) -> tuple[TrialState, datetime | None]:
    """Where a trial goes after its live attempt failed that way, and how long it waits for the next one.

    `cause`: kind and reason.
    `epochs`: the last epoch that was seen of the attempt, where its row does not know it yet.
    """
    failure, reason = cause
    match failure:
        case Failure.INFEASIBLE:
            return TrialState.INFEASIBLE, None
        case Failure.INTERRUPTED:
            return TrialState.QUEUED, None
        case Failure.DEFECT:
            before = sum(attempt.failure is failure for attempt in trial.attempts)
            again = before < retries.defect and reason not in MUST_REPEAT
            return (TrialState.QUEUED if again else TrialState.FAILED), None
        case Failure.INFRASTRUCTURE:
            before = _lost_since_progress(trial, epochs)
            if before >= retries.infrastructure:
                return TrialState.FAILED, None
            return TrialState.QUEUED, now + timedelta(seconds=retries.back_off.pause(before))


def is_due(trial: Trial, retries: RetryPolicy, now: datetime) -> bool:
    """Whether its pause is over. One that would last longer than any was noted before the clock was set back."""
    if trial.not_before is None:
        return True
    left = (trial.not_before - now).total_seconds()
    return left <= 0 or left > retries.back_off.longest


def _lost_since_progress(trial: Trial, epochs: int) -> int:
    """Attempts that were lost since one of them came further than all before it, without the live one.

    Where machines come and go, a trial that comes further each time is never given up. It ends all the same: the
    number of its epochs is fixed.
    """
    furthest = lost = 0
    for attempt in trial.attempts:
        is_live = not attempt.state.is_final
        reached = max(attempt.epochs, epochs) if is_live else attempt.epochs
        if reached > furthest:
            furthest, lost = reached, 0
        lost += attempt.failure is Failure.INFRASTRUCTURE
    return lost
