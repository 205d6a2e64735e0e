"""Rows as the store reads them, each a plain one of its kind but for what a test changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from nago_orchestrator.domain.final_rows import FinalNetwork, FinalTraining
from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Origin, Outcome
from nago_orchestrator.domain.rows import AttemptRow, EpochRow, EvaluationRow, GeneratorRow, StudyStatus, TrialRow
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState

MADE_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
_PLACE = {"bracket": None, "rung": None, "origin": Origin.RANDOM, "phase": 0}
_COSTS = {f"cost_{place}": None for place in range(1, 5)}


def study_status(**changes: Any) -> StudyStatus:
    values: dict[str, Any] = {
        "name": "s",
        "state": StudyState.RUNNING,
        "message": None,
        "created_at": MADE_AT,
        "changed_at": MADE_AT,
        "proposals": 6,
        "evaluations": 6,
        "trials": 6,
        "finished": 6,
        "prior": 0,
        "seed": 7,
        "objectives": (Objective(name="accuracy", goal=Goal.MAXIMIZE),),
        "spec": {},
        "trial_states": dict.fromkeys(TrialState, 0) | {TrialState.SUCCEEDED: 6},
        "failures": dict.fromkeys(Failure, 0),
        "attempts": 6,
        "live_attempts": 0,
        "seconds": 60.0,
        "gpu_seconds": 0.0,
        "running": (),
        "holder": None,
        "waiting": (),
        "dataset": None,
        "fingerprint": None,
        "data_check": None,
    }
    return StudyStatus(**values | changes)


def _trial(number: int) -> dict[str, Any]:
    return {
        **_PLACE,
        "study": "s",
        "trial": number,
        "proposal": number,
        "replicate": 0,
        "state": TrialState.SUCCEEDED,
        "fidelity": 4,
        "epochs_done": 4,
        "validation_accuracy": 0.5,
        "balanced_accuracy": 0.5,
        "macro_f1": 0.5,
        "top_5": 1.0,
        "worst_class": 0.25,
        "calibration_error": 0.1,
        "custom": None,
        "run_of": 4,
        "continued_from": None,
        "validation_loss": 0.5,
        "diverged": False,
        "nodes": 20,
        "width": 12,
        "parameters": 7,
        "flops": None,
        "bytes_per_sample": 100,
        "attempts": 1,
        "last_failure": None,
        "last_reason": None,
        "last_message": None,
        "seconds": 7.5,
        "gpu_seconds": 0.0,
        "architecture_hash": f"{number:064x}",
        "created_at": MADE_AT,
        "started_at": None,
        "ended_at": None,
        "final_training": False,
    }


def trial_row(number: int = 0, **changes: Any) -> TrialRow:
    return TrialRow(**_trial(number) | changes)


def fully_trained(number: int = 0, **changes: Any) -> FinalNetwork:
    return FinalNetwork(**_trial(number) | {"final_training": True, "network": None} | changes)


def final_training(parent: int, epochs: int, trials: Sequence[FinalNetwork], proposal: int = 100) -> FinalTraining:
    return FinalTraining(proposal=proposal, parent=parent, epochs=epochs, theta={}, trials=tuple(trials))


def attempt_row(trial: int = 0, attempt: int = 1, **changes: Any) -> AttemptRow:
    values: dict[str, Any] = {
        "trial": trial,
        "attempt": attempt,
        "name": f"s-{trial}-{attempt}",
        "executor": "local",
        "gpus": 0,
        "gpu_share": 1.0,
        "state": AttemptState.SUCCEEDED,
        "failure": None,
        "reason": None,
        "exit_code": None,
        "node": None,
        "uid": None,
        "created_at": MADE_AT,
        "started_at": None,
        "ended_at": None,
        "seconds": None,
        "gpu_seconds": None,
        "message": None,
    }
    return AttemptRow(**values | changes)


def epoch_row(trial: int, attempt: int, epoch: int, accuracy: float) -> EpochRow:
    return EpochRow(
        trial=trial,
        attempt=attempt,
        epoch=epoch,
        training_loss=1.0 - accuracy,
        training_accuracy=accuracy,
        validation_loss=1.0 - accuracy,
        validation_accuracy=accuracy,
        learning_rate=0.1,
        seconds=0.5,
        recorded_at=MADE_AT,
    )


def _evaluation(proposal: int, changes: dict[str, Any]) -> dict[str, Any]:
    theta = changes.get("theta", {"top_nodes": proposal})
    return {
        **_PLACE,
        **_COSTS,
        "evaluation": proposal,
        "proposal": proposal,
        "fidelity": 4,
        "samples": 1,
        "evaluated_at": MADE_AT,
        "objective_values": {},
        "theta": theta,
        "canonical_theta": theta,
    }


def evaluation_row(proposal: int = 0, **changes: Any) -> EvaluationRow:
    """Its canonical theta is its theta unless one is given."""
    values = {
        "outcome": Outcome.OK,
        "final_training": False,
        "parent": None,
        "slot": None,
        "evaluations_before": 0,
        "notes": None,
        "run_of": changes.get("fidelity", 2),
    }
    return EvaluationRow(**_evaluation(proposal, changes) | values | changes)


def generator_row(proposal: int = 0, **changes: Any) -> GeneratorRow:
    return GeneratorRow(**_evaluation(proposal, changes) | {"proposals": (proposal,)} | changes)
