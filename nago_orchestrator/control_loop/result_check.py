"""Whether a result can be that of its trial: the last check before it is accepted, whichever way it came. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from nago_orchestrator.domain.trials import Trial
from nago_trainer.contract.reports import TrialResult


def result_problem(trial: Trial, result: TrialResult) -> str | None:
    """Why this cannot be the result of this trial, as one clause; None for one that may be true."""
    problem = result.problem()
    if problem is not None:
        return problem
    if result.epochs > trial.epochs:
        return f"epochs must be at most {trial.epochs:,}, those of the trial"
    if result.parameters != trial.parameters:
        return f"parameters must be {trial.parameters:,}, those of the trial"
    return None


def missing_measure(result: TrialResult, measures: Iterable[str]) -> str | None:
    """The first of these, fields of a result, that an older trainer does not report; None if all are there."""
    return next((name for name in measures if getattr(result, name) is None), None)
