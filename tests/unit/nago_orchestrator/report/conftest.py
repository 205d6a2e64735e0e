"""A study as the store's queries give it: promotions, failures and a divergence included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Origin
from nago_orchestrator.domain.rows import AttemptRow, EpochRow, EvaluationRow, TrialRow
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState
from nago_orchestrator.report.study_report import StudyReport
from tests.rows import attempt_row, epoch_row, evaluation_row, study_status, trial_row

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
ACCURACY = Objective(name="accuracy", goal=Goal.MAXIMIZE)
FIDELITIES = (2, 4, 8)
PARENT_BEFORE = {3: 3, 4: 3, 5: 2}
"""Of six proposals the fourth and fifth continue the first and second, the last continues the fourth."""


def made_theta(rng: np.random.Generator) -> dict[str, float | int]:
    return {
        "top_nodes": int(rng.integers(3, 11)),
        "top_k": int(rng.integers(2, 6)),
        "top_p": float(rng.uniform(0.1, 0.9)),
        "mid_p": float(rng.uniform(0.1, 0.9)),
        "stage_ratio_1": 1 / 3,
    }


def made_report(proposals: int, seed: int = 7) -> StudyReport:
    """Of six proposals two are promoted once and one twice; every tenth attempt is evicted once."""
    rng = np.random.default_rng(seed)
    trials: list[TrialRow] = []
    epochs: list[EpochRow] = []
    evaluations: list[EvaluationRow] = []
    attempts: list[AttemptRow] = []
    thetas: list[tuple[dict[str, float | int], int]] = []
    for number in range(proposals):
        theta, rung, parent = made_theta(rng), 0, None
        if number % 6 in PARENT_BEFORE:
            parent = number - PARENT_BEFORE[number % 6]
            theta, rung = thetas[parent][0], thetas[parent][1] + 1
        thetas.append((theta, rung))
        fidelity = FIDELITIES[rung]
        quality = 0.75 + 0.1 * float(theta["top_p"]) + 0.04 * rung + float(rng.normal(0, 0.02))
        curve = [quality * (1 - 0.6 ** (epoch + 1)) for epoch in range(fidelity)]
        accuracy = 0.0 if number == 5 else curve[-1]
        begin = START + timedelta(seconds=4 * number)
        if number % 10 == 3:
            attempts.append(_evicted(number, begin))
        last = _attempt(number, 1 + (number % 10 == 3), begin + timedelta(seconds=2))
        attempts.append(last)
        epochs += [epoch_row(number, last.attempt, epoch, value) for epoch, value in enumerate(curve, start=1)]
        trials.append(
            trial_row(
                number,
                fidelity=fidelity,
                validation_accuracy=accuracy,
                validation_loss=float("inf") if number == 5 else 1 - accuracy,
                bytes_per_sample=int(rng.integers(200_000, 4_000_000)),
                parameters=int(rng.integers(20_000, 50_000)),
                nodes=int(rng.integers(20, 400)),
            )
        )
        evaluations.append(
            evaluation_row(
                number,
                parent=parent,
                fidelity=fidelity,
                origin=Origin.PROMOTION if parent is not None else Origin.RANDOM,
                objective_values={"accuracy": accuracy},
                theta=theta,
            )
        )
    return StudyReport(
        study=study_status(name="digits <b>&", state=StudyState.COMPLETED, created_at=START),
        generator="hnag",
        searched=("top_nodes", "top_k", "top_p", "mid_p"),
        objectives=(ACCURACY,),
        trials=trials,
        epochs=epochs,
        evaluations=evaluations,
        attempts=attempts,
        made_at=START + timedelta(hours=1),
    )


def _attempt(trial: int, number: int, start: datetime) -> AttemptRow:
    return attempt_row(trial, number, started_at=start, ended_at=start + timedelta(seconds=7))


def _evicted(trial: int, start: datetime) -> AttemptRow:
    failed = _attempt(trial, 1, start)
    return replace(failed, state=AttemptState.FAILED, failure=Failure.INFRASTRUCTURE, reason="Evicted")


@pytest.fixture
def make_report() -> Callable[[int], StudyReport]:
    return made_report
