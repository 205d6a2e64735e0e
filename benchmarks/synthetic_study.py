"""A finished study of any size in a database, made in seconds: what the benchmarks of reading commands read.

The rows go straight into the store's tables, with everything a real BOHB study leaves: promotions over three
fidelities, evictions with a second attempt, epochs, results, evaluations. Only the numbers are invented.

`python -m benchmarks.synthetic_study URL TRIALS` makes one to look at.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, insert, text

from nago_orchestrator.services.training_configuration import study_recipe
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.load import parse_study_spec
from nago_orchestrator.store import schema
from nago_orchestrator.store.engine import writing
from nago_orchestrator.store.records import NewStudy
from nago_orchestrator.store.store import Store
from nago_orchestrator.store.versions import open_engine
from nago_trainer.architecture import HnagTheta, canonical, sample_architecture

NAME = "synthetic"
STUDY_FILE = """
name: synthetic
seed: 3
search: {algorithm: bohb, iterations: 100}
fidelities: [3, 9, 27]
objectives: [{name: accuracy}, {name: memory}]
trainer:
  dataset: {name: digits}
  parameter_limit: 50000
"""
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PROMOTED_FROM = {9: 0, 10: 2, 11: 5, 12: 9}
"""Of thirteen proposals in a bracket nine are new, three continue at the second fidelity, one at the third."""
BRACKET = 13
EVICTED_EVERY = 25
ARCHITECTURES = 20
"""Different architectures; the documents are real in size, and repeated."""
BATCH = 2_000


@dataclass(slots=True)
class _Rows:
    """Rows by table, in the order in which they have to be inserted; ids count from 1."""

    proposal: list[dict[str, Any]] = field(default_factory=list)
    trial: list[dict[str, Any]] = field(default_factory=list)
    attempt: list[dict[str, Any]] = field(default_factory=list)
    epoch: list[dict[str, Any]] = field(default_factory=list)
    result: list[dict[str, Any]] = field(default_factory=list)
    evaluation: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """One proposal with its one trial, before its rows."""

    number: int
    fidelity: int
    rung: int
    parent: int | None
    theta: Mapping[str, float | int]
    curve: tuple[float, ...]
    memory: int
    begin: datetime

    @property
    def end(self) -> datetime:
        return self.begin + timedelta(seconds=0.5 * self.fidelity)


def fill(url: str, trials: int, seed: int = 0, *, study_file: str = STUDY_FILE) -> str:
    """Put the study into an empty database; gives its name. The same numbers give the same rows.

    Another study file needs three fidelities, too, or one, as a random search does.
    """
    spec = parse_study_spec(study_file, "the synthetic study")
    engine = open_engine(url)
    store = Store(engine)
    study = store.create_study(_new_study(spec), START)
    rows = _rows(spec, trials, np.random.default_rng(seed), study.id)
    with writing(engine) as connection:
        for table in _TABLES:
            chosen = getattr(rows, table.name)
            for begin in range(0, len(chosen), BATCH):
                connection.execute(insert(table), chosen[begin : begin + BATCH])
            _count_on(connection, table)
    engine.dispose()
    return study.name


def _count_on(connection: Connection, table: Table) -> None:
    """PostgreSQL gives new rows the next id of its own count, which knows nothing of ids that were given."""
    if connection.dialect.name == "postgresql" and "id" in table.c:
        connection.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM {table.name}))")
        )


_TABLES = (schema.proposal, schema.trial, schema.attempt, schema.epoch, schema.result, schema.evaluation)


def _new_study(spec: StudySpec) -> NewStudy:
    return NewStudy(
        name=spec.name,
        spec=spec.canonical(),
        spec_hash=spec.digest(),
        seed=spec.seed,
        objectives=spec.objective_values(),
        recipe=study_recipe(spec),
    )


def _rows(spec: StudySpec, trials: int, rng: np.random.Generator, study_id: int) -> _Rows:
    space = spec.search_space()
    thetas = [space.sample(rng) for _ in range(ARCHITECTURES)]
    documents = [sample_architecture(HnagTheta.from_mapping(theta), 0) for theta in thetas]
    architectures = [(document.to_json(), document.digest(), document.node_count) for document in documents]
    made: list[_Made] = []
    rows = _Rows()
    for number in range(trials):
        made.append(_make(number, made, spec, rng))
        _add(rows, made[-1], architectures[number % ARCHITECTURES], study_id)
    return rows


def _make(number: int, made: list[_Made], spec: StudySpec, rng: np.random.Generator) -> _Made:
    place = number % BRACKET
    parent = made[number - place + PROMOTED_FROM[place]] if place in PROMOTED_FROM else None
    rung = parent.rung + 1 if parent else 0
    theta = parent.theta if parent else spec.search_space().sample(rng)
    quality = 0.93 + 0.05 * float(theta["bottom_p"]) - 0.03 * float(theta["top_p"]) + rng.normal(0, 0.008)
    fidelity = spec.fidelities[min(rung, len(spec.fidelities) - 1)]
    curve = tuple(float(quality * (1 - 0.55 ** (epoch + 1))) for epoch in range(fidelity))
    return _Made(
        number=number,
        fidelity=fidelity,
        rung=rung,
        parent=parent.number if parent else None,
        theta=theta,
        curve=curve,
        memory=parent.memory if parent else int(rng.integers(40_000, 900_000)),
        begin=made[-1].end if made else START,
    )


def _add(rows: _Rows, made: _Made, architecture: tuple[dict[str, Any], str, int], study_id: int) -> None:
    key = made.number + 1
    accuracy, seconds = made.curve[-1], (made.end - made.begin).total_seconds()
    rows.proposal.append(_proposal(made, study_id))
    rows.trial.append(_trial(made, architecture, study_id))
    evicted = made.number % EVICTED_EVERY == EVICTED_EVERY - 1
    if evicted:
        lost = {"state": "failed", "failure": "infrastructure", "reason": "Evicted", "message": "The node was drained."}
        rows.attempt.append(_attempt(made, len(rows.attempt) + 1, 1, lost))
    rows.attempt.append(_attempt(made, len(rows.attempt) + 1, 2 if evicted else 1, {"state": "succeeded"}))
    attempt_id = len(rows.attempt)
    rows.epoch += [_epoch(attempt_id, epoch, value, made) for epoch, value in enumerate(made.curve, start=1)]
    rows.result.append(
        {
            "trial_id": key,
            "attempt_id": attempt_id,
            "validation_accuracy": accuracy,
            "validation_loss": 1 - accuracy,
            "diverged": False,
            "epochs": made.fidelity,
            "seconds": seconds,
            "seconds_to_first_step": 0.2,
            "parameters": 49_000,
            "device": "cpu",
            "network": None,
            "recorded_at": made.end,
        }
    )
    rows.evaluation.append(_evaluation(made, accuracy, study_id))


def _proposal(made: _Made, study_id: int) -> dict[str, Any]:
    return {
        "id": made.number + 1,
        "study_id": study_id,
        "number": made.number,
        "fidelity": made.fidelity,
        "origin": "promotion" if made.parent is not None else ("random" if made.number % 3 == 0 else "model"),
        "bracket": made.number // BRACKET,
        "rung": made.rung,
        "slot": made.number % BRACKET,
        "parent": made.parent,
        "evaluations_before": made.number,
        "created_at": made.begin,
        "theta": dict(made.theta),
        "canonical_theta": canonical(made.theta),
    }


def _trial(made: _Made, architecture: tuple[dict[str, Any], str, int], study_id: int) -> dict[str, Any]:
    document, digest, nodes = architecture
    return {
        "id": made.number + 1,
        "study_id": study_id,
        "proposal_id": made.number + 1,
        "number": made.number,
        "replicate": 0,
        "state": "succeeded",
        "architecture_hash": digest,
        "nodes": nodes,
        "width": 12,
        "parameters": 49_000,
        "flops": 3_000_000,
        "bytes_per_sample": made.memory,
        "architecture_seed": made.number,
        "training_seed": made.number,
        "created_at": made.begin,
        "started_at": made.begin,
        "ended_at": made.end,
        "architecture": document,
    }


def _attempt(made: _Made, key: int, number: int, ending: Mapping[str, str]) -> dict[str, Any]:
    seconds = (made.end - made.begin).total_seconds()
    return {
        "id": key,
        "trial_id": made.number + 1,
        "number": number,
        "name": f"{NAME}-{made.number}-{number}",
        "token": f"{made.number}-{number}",
        "executor": "local",
        "gpus": 0,
        "failure": None,
        "reason": None,
        "message": None,
        **ending,
        "node": "here",
        "created_at": made.begin,
        "started_at": made.begin,
        "ended_at": made.end,
        "seconds": seconds,
        "gpu_seconds": 0.0,
        "log_tail": None,
    }


def _epoch(attempt_id: int, epoch: int, accuracy: float, made: _Made) -> dict[str, Any]:
    return {
        "attempt_id": attempt_id,
        "epoch": epoch,
        "training_loss": 1 - accuracy,
        "training_accuracy": accuracy,
        "validation_loss": 1.1 - accuracy,
        "validation_accuracy": accuracy,
        "learning_rate": 0.1 * (1 - epoch / made.fidelity),
        "seconds": 0.5,
        "recorded_at": made.begin + timedelta(seconds=0.5 * epoch),
    }


def _evaluation(made: _Made, accuracy: float, study_id: int) -> dict[str, Any]:
    return {
        "id": made.number + 1,
        "study_id": study_id,
        "proposal_id": made.number + 1,
        "number": made.number,
        "fidelity": made.fidelity,
        "outcome": "ok",
        "cost_1": -accuracy,
        "cost_2": float(made.memory),
        "samples": 1,
        "evaluated_at": made.end,
        "objective_values": {"accuracy": accuracy, "memory": float(made.memory)},
    }


if __name__ == "__main__":
    fill(sys.argv[1], int(sys.argv[2]))
