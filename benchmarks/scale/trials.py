"""A study of a hundred thousand finished trials: how quickly commands answer, how soon it goes on, a tick's cost."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from benchmarks.cli import measure
from benchmarks.figure import Goal, show
from benchmarks.synthetic_study import NAME, STUDY_FILE, fill
from nago_orchestrator.bootstrap import open_session
from nago_orchestrator.control_loop.loop import tick
from nago_orchestrator.control_loop.session import StopSignal
from nago_orchestrator.store import versions
from nago_orchestrator.store.store import Store, open_store
from tests import postgres_server
from tests.simulated_executor import SimulatedExecutor

FEW = 1_000
"""A tick of a study with many trials costs as much as with these."""
TICKS = 40
WARMING = 10
"""Ticks before those that are measured."""
STATISTICS_SECONDS = 1.5
"""In which a session of PostgreSQL passes on what it has counted."""
BENCHMARK = "scale"
FILES = {
    "bohb": STUDY_FILE.replace("iterations: 100}", "iterations: 100000}"),
    "random": STUDY_FILE.replace("{algorithm: bohb, iterations: 100}", "{algorithm: random, proposals: 1000000}"),
}
SECONDS_TO_WAIT = 300


def main(trials: int, folder: Path) -> list[bool]:
    met = []
    for kind in ("SQLite", "PostgreSQL"):
        for search in FILES:
            with _database(kind, folder / f"{search}.sqlite") as url:
                # In a process of its own: a child's peak memory counts what its parent had when it was born.
                _apart("fill_study", url, str(trials), search)
                met += _measured(f"{search}, {kind}, {trials:,} trials", url, trials)
                with _database(kind, folder / f"{search}-few.sqlite") as few:
                    _apart("fill_study", few, str(FEW), search)
                    met += _ticks(f"{search}, {kind}", few, url, trials)
            for file in folder.glob(f"{search}*"):
                if file.is_file():
                    file.unlink()
    return met


@contextmanager
def _database(kind: str, file: Path) -> Iterator[str]:
    if kind == "SQLite":
        yield str(file)
        return
    with postgres_server.server() as address:
        versions.upgrade(address)
        yield address


def _apart(function: str, *arguments: str) -> str:
    call = f"import sys; from benchmarks.scale import trials; print(trials.{function}(*sys.argv[1:]))"
    command = [sys.executable, "-c", call, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def fill_study(url: str, trials: str, search: str) -> str:
    return fill(url, int(trials), study_file=FILES[search], resumable=True)


def _measured(what: str, url: str, trials: int) -> list[bool]:
    met = []
    for command in ("status", "best"):
        seconds, megabytes = measure([command], url)
        met.append(show(BENCHMARK, f"{what}: {command}, median of 5", seconds, "s", Goal(1.5)))
        met.append(show(BENCHMARK, f"{what}: {command}, peak memory", megabytes, "MB", Goal(200)))
    seconds = _seconds_to_next_proposal(url, trials)
    return [*met, show(BENCHMARK, f"{what}: resume to next proposal", seconds, "s", Goal(10))]


def _seconds_to_next_proposal(url: str, trials: int) -> float:
    """Of the real command, which is ended then."""
    store = open_store(url)
    study = store.study(NAME)
    started = time.perf_counter()
    environment = {**os.environ, "NAGO_DATABASE_URL": url}
    command = [sys.executable, "-m", "nago_orchestrator", "resume", NAME]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as orchestrator:
        while store.tally(study.id).proposals <= trials and time.perf_counter() - started < SECONDS_TO_WAIT:
            if orchestrator.poll() is not None:
                raise RuntimeError(f"the orchestrator ended with {orchestrator.returncode}")
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        for _ in range(2):  # the second one stops what runs
            orchestrator.send_signal(signal.SIGINT)
            time.sleep(0.5)
    store.close()
    return seconds


def _ticks(what: str, few: str, many: str, trials: int) -> list[bool]:
    """Of ticks in which a result is accepted, evaluated and followed by the next proposal and its start."""
    found = {
        count: [float(part) for part in _apart("tick_cost", url).split()] for count, url in ((FEW, few), (trials, many))
    }
    for count, (cost, rows) in found.items():
        show(BENCHMARK, f"{what}, {count:,} trials: a tick, CPU time, median of {TICKS}", cost, "ms")
        if what.endswith("PostgreSQL"):
            show(BENCHMARK, f"{what}, {count:,} trials: rows and index entries read in a tick", rows, "")
    ratio = found[trials][0] / found[FEW][0]
    goal = Goal(1.5) if what.startswith("random") else None  # a model of more results costs more
    met = [show(BENCHMARK, f"{what}: CPU time of a tick with {trials:,} trials against {FEW:,}", ratio, "", goal)]
    if what.endswith("PostgreSQL"):
        more = found[trials][1] / found[FEW][1]
        met.append(
            show(BENCHMARK, f"{what}: rows read in a tick with {trials:,} trials against {FEW:,}", more, "", Goal(1.1))
        )
    return met


def tick_cost(url: str) -> str:
    """CPU time in milliseconds, and on PostgreSQL the rows and index entries that it read."""
    store = open_store(url)
    session = open_session(store, store.study(NAME), SimulatedExecutor(), lambda event: None, StopSignal())
    session.clock = lambda: datetime.now(UTC)
    costs = []
    with session.hold():
        session.reload()
        for number in range(TICKS + WARMING):
            if number == WARMING:
                rows = _rows_read(store)
            began = time.process_time()
            tick(session)
            costs.append(time.process_time() - began)
        rows = (_rows_read(store) - rows) / TICKS
    store.close()
    return f"{1000 * statistics.median(costs[WARMING:])} {rows}"


def _rows_read(store: Store) -> float:
    """By PostgreSQL since the server began, in tables and their indexes; 0 on SQLite."""
    if store.file is not None:
        return 0
    time.sleep(STATISTICS_SECONDS)
    with store._engine.connect() as connection:
        connection.execute(text("SELECT 1"))  # its end sends what this session has counted
        connection.commit()
        time.sleep(STATISTICS_SECONDS)
        tables = "SELECT sum(seq_tup_read) FROM pg_stat_user_tables"
        indexes = "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
        return sum(float(connection.execute(text(query)).scalar_one()) for query in (tables, indexes))
