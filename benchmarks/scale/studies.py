"""Fifty studies under one server, ten of which turn trials over: how soon a result lets the next trial begin.

The server, its loops, the proposers and PostgreSQL are real; `TimedExecutor` stands in for the trainings. It is done
twice: with random searches alone, and with some that fit models, which must not hold up the others.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from benchmarks.figure import Goal, show
from benchmarks.scale.timed_executor import TimedExecutor
from nago_orchestrator.bootstrap import open_session
from nago_orchestrator.control_loop.loop import run
from nago_orchestrator.control_loop.session import StopSignal
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.server.server import RunStudy, Server
from nago_orchestrator.spec import parse_study_spec
from nago_orchestrator.store import versions
from nago_orchestrator.store.store import Store, open_store
from nago_orchestrator.store.trainer_rights import OWN_CONNECTIONS
from tests import postgres_server
from tests.studies import create

BENCHMARK = "scale"
BUSY = 10
"""Of the studies; the trials of all others last for as long as the measurement."""
PARALLEL = 4
SECONDS = 60.0
WARM_UP_SECONDS = 30.0
"""In which compilers run and the studies of models make their initial designs."""
SEARCHES = {
    "random": "{algorithm: random, proposals: 100000}",
    "bohb": "{algorithm: bohb, iterations: 10000}",
    "mobo": "{algorithm: mobo, evaluations: 10000, initial: 8}",
    "ehvi": "{algorithm: ehvi, evaluations: 10000, initial: 8}",
}
MIXED = ("random",) * 5 + ("bohb", "bohb", "mobo", "mobo", "ehvi")
"""The busy ones of the second run."""
STUDY = """
name: {name}
seed: {seed}
space:
  hyperparameters: {{top_nodes: {{low: 3, high: 6}}, mid_nodes: {{low: 1, high: 3}}, bottom_nodes: {{low: 3, high: 5}}}}
fidelities: [1, 2, 4]
search: {search}
objectives: [{{name: accuracy}}, {{name: loss}}]
trainer: {{dataset: {{name: digits}}, parameter_limit: 50000}}
execution: {{parallelism: {parallel}}}
"""


def main(studies: int, folder: Path) -> list[bool]:
    met = []
    for what, kinds in (("random searches alone", ("random",) * BUSY), ("five that fit models among them", MIXED)):
        with postgres_server.own_server({"max_connections": "100"}) as server:
            versions.upgrade(server.address)
            _submit(server.address, kinds, studies)
            found = _served(server.address)
        met += _show(f"{studies} studies, {BUSY} busy, {what}", kinds, found)
    return met


def _submit(url: str, kinds: tuple[str, ...], studies: int) -> None:
    store = open_store(url)
    for number in range(studies):
        kind = kinds[number] if number < len(kinds) else "idle"
        search = SEARCHES.get(kind, SEARCHES["random"])
        document = STUDY.format(name=f"{kind}-{number}", seed=number, search=search, parallel=PARALLEL)
        create(store, parse_study_spec(document, "this benchmark's study"))
    store.close()


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the serving process measured; moments by the monotonic clock."""

    times: dict[str, tuple[list[float], list[float]]]
    """Of each study, when its trainings began and when they ended."""
    since: float
    until: float
    cpu_seconds: float
    connections: int
    """At most."""


def _served(url: str) -> _Found:
    call = "import sys; from benchmarks.scale import studies; studies.serve(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", call, url], check=True, stdout=subprocess.PIPE, text=True)
    return _Found(**json.loads(done.stdout.splitlines()[-1]))


def serve(url: str) -> None:
    """Prints one JSON line: of each study when its trainings began and ended, and what the process used."""
    store, leave = open_store(url), threading.Event()
    executors: dict[str, TimedExecutor] = {}
    server = Server(
        store=store,
        run_study=_runner(store, executors, leave),
        holder=lambda: f"pid {os.getpid()}",
        log=lambda event, message, *, study=None, error=False: error and print(message, study, file=sys.stderr),
        clock=lambda: datetime.now(UTC),
        serves=lambda study: True,
        leave=leave,
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    time.sleep(WARM_UP_SECONDS)
    since, cpu, connections = time.monotonic(), time.process_time(), 0
    while time.monotonic() - since < SECONDS:
        time.sleep(1)
        connections = max(connections, _connections(store))
    found = _Found(
        times={name: (executor.began, executor.ended) for name, executor in executors.items()},
        since=since,
        until=time.monotonic(),
        cpu_seconds=time.process_time() - cpu,
        connections=connections,
    )
    print(json.dumps(asdict(found)), flush=True)
    leave.set()
    thread.join()


def _runner(store: Store, executors: dict[str, TimedExecutor], leave: threading.Event) -> RunStudy:
    """As `run_stored_study`, but for the executor."""

    def run_one(name: str) -> StudyState:
        executor = executors[name] = TimedExecutor(_lasting(name))
        session = open_session(store, store.study(name), executor, lambda event: None, StopSignal(leave))
        return run(session, time.sleep)

    return run_one


def _lasting(study: str) -> Callable[[int], float]:
    """Seconds of a trial: 2 to 6, which repeat themselves."""
    return lambda trial: math.inf if study.startswith("idle") else 2 + trial * 0.37 % 4


def _connections(store: Store) -> int:
    count = text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
    with store._engine.connect() as connection:
        return int(connection.execute(count).scalar_one())


def _delays(began: list[float], ended: list[float], since: float, until: float) -> list[float]:
    """The k-th end lets the k-th training after the first PARALLEL ones begin; one that has not counts until now."""
    ended, began = sorted(ended), sorted(began)[PARALLEL:]
    return [
        (began[place] if place < len(began) else until) - end for place, end in enumerate(ended) if since <= end < until
    ]


def _show(what: str, kinds: tuple[str, ...], found: _Found) -> list[bool]:
    by_kind: dict[str, list[float]] = {kind: [] for kind in dict.fromkeys(kinds)}
    for name, (began, ended) in found.times.items():
        if (kind := name.partition("-")[0]) in by_kind:
            by_kind[kind] += _delays(began, ended, found.since, found.until)
    met = []
    for kind, delays in by_kind.items():
        spread = f"95th percentile {statistics.quantiles(delays, n=20)[-1]:.2f}, longest {max(delays):.2f}"
        figure = f"{what}, {kind}: result to next trial, median of {len(delays)} ({spread})"
        met.append(show(BENCHMARK, figure, statistics.median(delays), "s", Goal(1)))
    minutes = (found.until - found.since) / 60
    show(BENCHMARK, f"{what}: CPU time of the server", found.cpu_seconds / minutes, "s a minute")
    show(BENCHMARK, f"{what}: connections at most", found.connections, "", Goal(OWN_CONNECTIONS))
    return met
