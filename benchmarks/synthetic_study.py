"""A finished study of any size in a database, made in seconds: what the benchmarks of reading commands read.

The rows go straight into the store's tables, with everything a real BOHB study leaves: promotions over three
fidelities, evictions with a second attempt, epochs, results, evaluations. Only the numbers are invented.

`python -m benchmarks.synthetic_study URL TRIALS` makes one to look at.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, TableClause, Text, insert, text
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table

from benchmarks.synthetic_proposals import START, Made, drawn_at_random, invented, of_brackets
from nago_orchestrator.domain.trials import TrainingRecipe
from nago_orchestrator.services.training_configuration import study_recipe
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.load import parse_study_spec
from nago_orchestrator.spec.search import RandomSection
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
    attempts_before: int = 0
    """In earlier batches."""

    @property
    def newest_attempt(self) -> int:
        return self.attempts_before + len(self.attempt)


def fill(url: str, trials: int, seed: int = 0, *, study_file: str = STUDY_FILE, resumable: bool = False) -> str:
    """Put the study into an empty database; gives its name. The same numbers give the same rows.

    Another study file needs three fidelities, too, or one, as a random search does. `resumable`: its proposals are
    such as a proposer of `bohb` or `random` takes for its own, all of them drawn at random.
    """
    spec = parse_study_spec(study_file, "the synthetic study")
    engine = open_engine(url)
    store = Store(engine)
    study = store.create_study(_new_study(spec, _recipe(study_file)), START)
    with writing(engine) as connection:
        rng = np.random.default_rng(seed)
        as_asked = drawn_at_random if isinstance(spec.search, RandomSection) else of_brackets
        made = (as_asked if resumable else invented)(spec, trials, rng)
        for rows in _rows(made, spec, rng, study.id):
            for table in _TABLES:
                if chosen := getattr(rows, table.name):
                    connection.execute(insert(_with_documents_as_text(table)), chosen)
        for table in _TABLES:
            _count_on(connection, table)
        if connection.dialect.name == "postgresql":
            connection.execute(text("ANALYZE"))  # as autovacuum does within a minute
    engine.dispose()
    return study.name


def _with_documents_as_text(table: Table) -> TableClause:
    """Twenty documents are encoded twenty times, not once for each of their rows."""
    types = {"architecture": Text()}
    return sql_table(table.name, *(sql_column(column.name, types.get(column.name, column.type)) for column in table.c))


def _count_on(connection: Connection, table: Table) -> None:
    """PostgreSQL gives new rows the next id of its own count, which knows nothing of ids that were given."""
    if connection.dialect.name == "postgresql" and "id" in table.c:
        connection.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM {table.name}))")
        )


_TABLES = (schema.proposal, schema.trial, schema.attempt, schema.epoch, schema.result, schema.evaluation)


@cache
def _recipe(study_file: str) -> TrainingRecipe:
    """Once for each file: it starts a process that looks at the images."""
    return study_recipe(parse_study_spec(study_file, "the synthetic study"))


def _new_study(spec: StudySpec, recipe: TrainingRecipe) -> NewStudy:
    return NewStudy(
        name=spec.name,
        spec=spec.canonical(),
        spec_hash=spec.digest(),
        seed=spec.seed,
        objectives=spec.objective_values(),
        recipe=recipe,
    )


def _rows(made: Iterable[Made], spec: StudySpec, rng: np.random.Generator, study_id: int) -> Iterator[_Rows]:
    """In batches, so that a hundred thousand trials need no more memory than a thousand."""
    space = spec.search_space()
    documents = [sample_architecture(HnagTheta.from_mapping(space.sample(rng)), 0) for _ in range(ARCHITECTURES)]
    architectures = [(json.dumps(document.to_json()), document.digest(), document.node_count) for document in documents]
    rows = _Rows()
    for one in made:
        _add(rows, one, architectures[one.proposal.number % ARCHITECTURES], study_id)
        if len(rows.trial) == BATCH:
            yield rows
            rows = _Rows(attempts_before=rows.newest_attempt)
    yield rows


def _add(rows: _Rows, made: Made, architecture: tuple[str, str, int], study_id: int) -> None:
    key = made.number + 1
    accuracy, seconds = made.curve[-1], (made.end - made.begin).total_seconds()
    rows.proposal.append(_proposal(made, study_id))
    rows.trial.append(_trial(made, architecture, study_id))
    evicted = made.number % EVICTED_EVERY == EVICTED_EVERY - 1
    if evicted:
        lost = {"state": "failed", "failure": "infrastructure", "reason": "Evicted", "message": "The node was drained."}
        rows.attempt.append(_attempt(made, rows.newest_attempt + 1, 1, lost))
    rows.attempt.append(_attempt(made, rows.newest_attempt + 1, 2 if evicted else 1, {"state": "succeeded"}))
    attempt_id = rows.newest_attempt
    rows.epoch += [_epoch(attempt_id, epoch, value, made) for epoch, value in enumerate(made.curve, start=1)]
    rows.result.append(
        {
            "trial_id": key,
            "attempt_id": attempt_id,
            "validation_accuracy": accuracy,
            "validation_loss": 1 - accuracy,
            "diverged": False,
            "epochs": made.proposal.fidelity,
            "seconds": seconds,
            "seconds_to_first_step": 0.2,
            "parameters": 49_000,
            "device": "cpu",
            "network": None,
            "recorded_at": made.end,
        }
    )
    rows.evaluation.append(_evaluation(made, study_id))


def _proposal(made: Made, study_id: int) -> dict[str, Any]:
    own = made.proposal
    return {
        "id": own.number + 1,
        "study_id": study_id,
        "number": own.number,
        "fidelity": own.fidelity,
        "origin": own.origin,
        "bracket": own.bracket,
        "rung": own.rung,
        "slot": own.slot,
        "parent": own.parent,
        "evaluations_before": own.evaluations_before,
        "created_at": made.begin,
        "theta": dict(own.theta),
        "canonical_theta": canonical(own.theta),
    }


def _trial(made: Made, architecture: tuple[str, str, int], study_id: int) -> dict[str, Any]:
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


def _attempt(made: Made, key: int, number: int, ending: Mapping[str, str]) -> dict[str, Any]:
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


def _epoch(attempt_id: int, epoch: int, accuracy: float, made: Made) -> dict[str, Any]:
    return {
        "attempt_id": attempt_id,
        "epoch": epoch,
        "training_loss": 1 - accuracy,
        "training_accuracy": accuracy,
        "validation_loss": 1.1 - accuracy,
        "validation_accuracy": accuracy,
        "learning_rate": 0.1 * (1 - epoch / made.proposal.fidelity),
        "seconds": 0.5,
        "recorded_at": made.begin + timedelta(seconds=0.5 * epoch),
    }


def _evaluation(made: Made, study_id: int) -> dict[str, Any]:
    return {
        "id": made.number + 1,
        "study_id": study_id,
        "proposal_id": made.number + 1,
        "number": made.number,
        "fidelity": made.proposal.fidelity,
        "outcome": "ok",
        "cost_1": -made.curve[-1],
        "cost_2": float(made.memory),
        "samples": 1,
        "evaluated_at": made.end,
        "objective_values": made.values,
    }


if __name__ == "__main__":
    fill(sys.argv[1], int(sys.argv[2]))
