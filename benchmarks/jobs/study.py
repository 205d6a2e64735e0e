"""What the orchestrator is given: a random search in a PostgreSQL of its own, new or with a long past."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from benchmarks import synthetic_study
from nago_orchestrator.domain.trial_design import build_task
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel
from nago_orchestrator.executors.kubernetes.manifest.settings import settings_of
from nago_orchestrator.services.studies import submit_study
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.store import schema, versions
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.store import Store, open_store
from tests import postgres_server

STUDY = """
name: {name}
seed: 1
search: {{algorithm: random, proposals: {trials}}}
fidelities: [4]
{networks}
execution:
  where: kubernetes
  device: cuda
  parallelism: {parallelism}
  kubernetes: {{image: "registry.example/nago-trainer:1"}}
"""


NETWORKS = {
    "paper": """
trainer: {dataset: {name: cifar10, path: /data}, parameter_limit: 4000000}
""",
    "digits": """
space: {hyperparameters: {top_nodes: {low: 3, high: 5}, mid_nodes: {low: 1, high: 3}, bottom_nodes: {low: 3, high: 5}}}
trainer: {dataset: {name: digits}, parameter_limit: 50000}
""",
}
"""What is searched: the paper's space, or the small networks of the study that comes with the manifests."""


@contextmanager
def database() -> Iterator[str]:
    """The address of an empty database with our schema, on a server that is gone at the end of the context."""
    with postgres_server.server() as address:
        versions.upgrade(address)
        yield address


def new_study(url: str, *, name: str, trials: int, parallelism: int, networks: str = "paper") -> None:
    text = _file(name, trials, parallelism, networks)
    submit_study(parse_study_spec(text, "this benchmark's study"), url, datetime.now(UTC))


def study_with_past(url: str, *, past: int, parallelism: int) -> str:
    """Of so many finished trials; gives its name. It goes on as long as anybody runs it."""
    return synthetic_study.fill(url, past, study_file=_file("long", 10 * past, parallelism, "paper"))


def write_jobs(url: str, name: str, file: Path) -> None:
    """The Jobs of all attempts that the study has had, one on each line."""
    store = open_store(url)
    study = store.study(name)
    section = StudySpec.from_canonical(study.spec).execution.kubernetes
    if section is None:
        raise RuntimeError("the study has no Jobs")
    settings, label = settings_of(section), StudyLabel.of(study.name, study.created_at)
    with file.open("w", encoding="utf-8") as lines:
        for trial_id, number, attempt, token in _attempts(url):
            task = build_task(store.trial_design(trial_id), study.recipe, attempt=number, token=token)
            lines.write(json.dumps(build_job(attempt, task, label, settings)) + "\n")


def _attempts(url: str) -> list[tuple[int, int, str, str]]:
    columns = (schema.attempt.c.trial_id, schema.attempt.c.number, schema.attempt.c.name, schema.attempt.c.token)
    engine = connect(url)
    with engine.connect() as connection:
        rows = connection.execute(select(*columns).order_by(schema.attempt.c.id)).all()
    engine.dispose()
    return [(row.trial_id, row.number, row.name, row.token) for row in rows]


def result_times(store: Store) -> list[float]:
    """When each result was stored, in seconds since the epoch, earliest first."""
    with store._engine.connect() as connection:
        found = connection.scalars(select(schema.result.c.recorded_at))
        return sorted(moment.timestamp() for moment in found)


def _file(name: str, trials: int, parallelism: int, networks: str) -> str:
    return STUDY.format(name=name, trials=trials, parallelism=parallelism, networks=NETWORKS[networks])
