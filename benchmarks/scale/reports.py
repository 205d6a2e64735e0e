"""A thousand trainers, each with its own login, that report an epoch at the same moment."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from sqlalchemy import func, select

from benchmarks.figure import Goal, show
from nago_orchestrator.domain.credentials import derive, token_digest
from nago_orchestrator.executors.kubernetes.manifest.secret import address_for
from nago_orchestrator.store import schema, versions
from nago_orchestrator.store.attempts import NewAttempt
from nago_orchestrator.store.store import Store, open_store
from nago_trainer.attempt.database_report import DatabaseReport, SendLimits
from nago_trainer.attempt.postgres import AttemptDatabase
from nago_trainer.attempt.termination_message import TerminationMessage
from nago_trainer.contract.reports import EpochRecord
from tests import postgres_server
from tests.store_scene import NEW_STUDY, NOW, Scene
from tests.trainer_scene import small_trial

TRAINERS = 1_000
CONNECTIONS = 100
PROCESSES = 4
REPEATS = 3
BENCHMARK = "scale"
LONGEST_SECONDS = 120.0
HOST = f"127.0.{os.getpid() % 200}.7"
"""Of a loopback network, where nobody else listens."""


def main(trainers: int, folder: Path) -> list[bool]:
    settings = {"max_connections": str(CONNECTIONS)}
    with postgres_server.own_server(settings, listen_addresses=HOST) as server:
        versions.upgrade(server.address)
        store = open_store(server.address)
        addresses = _attempts(store, f"postgresql://{HOST}/postgres", trainers)  # as from a pod, not by a socket file
        taken = [_seconds(store, addresses, epoch, folder) for epoch in range(1, REPEATS + 1)]
        stored = _stored(store)
        store.close()
    what = f"{trainers:,} trainers report an epoch at once, {CONNECTIONS} connections"
    spread = f"{min(taken):.1f} to {max(taken):.1f} s"
    return [
        show(BENCHMARK, f"{what}: all stored, median of {REPEATS} ({spread})", statistics.median(taken), "s", Goal(10)),
        show(BENCHMARK, f"{what}: lost", REPEATS * trainers - stored, "", Goal(0)),
    ]


def _attempts(store: Store, address: str, count: int) -> list[str]:
    """Their addresses, each with the login of its attempt."""
    scene = Scene(store, store.create_study(NEW_STUDY, NOW))
    scene.propose(*(small_trial(replicate) for replicate in range(count)))
    addresses = []
    for trial in store.active_trials(scene.study.id):
        name = f"{NEW_STUDY.name}-t{trial.number:05d}-a1"
        until = datetime.now(UTC) + timedelta(days=1)
        given = derive(b"the benchmark's key", name, role_prefix=store.logins.prefix, valid_until=until)
        if given.login is None:
            raise RuntimeError("no login")
        token, task = token_digest(given.token), {"attempt": 1}
        store.add_attempt(
            trial.id,
            NewAttempt(name=name, token=token, executor="kubernetes", gpus=0, task=task, login=given.login),
            NOW,
        )
        addresses.append(address_for(address, given.login.role, given.login.password))
    return addresses


def _seconds(store: Store, addresses: list[str], epoch: int, folder: Path) -> float:
    """From the moment in which they all begin until the last epoch is stored."""
    before, shares = _stored(store), [addresses[start::PROCESSES] for start in range(PROCESSES)]
    with ExitStack() as stack:
        ends = []
        for number, share in enumerate(shares):
            ends.append(stack.enter_context(_ready(share, folder / f"addresses-{number}", epoch)))
        began = time.perf_counter()
        for end in ends:
            end.close()
        while _stored(store) < before + len(addresses) and time.perf_counter() - began < LONGEST_SECONDS:
            time.sleep(0.05)
        return time.perf_counter() - began


@contextmanager
def _ready(addresses: list[str], file: Path, epoch: int) -> Iterator[IO[str]]:
    """A process whose trainers begin when the stream is closed; it ends within the context."""
    file.write_text("\n".join(addresses))
    call = "import sys; from benchmarks.scale import reports; reports.trainers(*sys.argv[1:])"
    command = [sys.executable, "-c", call, str(file), str(epoch)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the process has no pipes")
        process.stdout.readline()
        yield process.stdin


def trainers(file: str, epoch: str) -> None:
    """One thread for each address; they report when the standard input ends."""
    begin = threading.Event()
    ready = threading.Semaphore(0)
    addresses = Path(file).read_text().splitlines()

    def run(address: str, number: int) -> None:
        message = TerminationMessage(Path(f"{file}-{number}"), "token")
        limits = SendLimits(last_epochs_seconds=LONGEST_SECONDS)
        report = DatabaseReport(AttemptDatabase(address), message, on_message=lambda: None, limits=limits)
        ready.release()
        begin.wait()
        report.epoch(_record(int(epoch)))
        report.failure(kind="infrastructure", reason="End", message="The benchmark ends.")  # waits for what is unsent

    threads = [threading.Thread(target=run, args=(address, number)) for number, address in enumerate(addresses)]
    for thread in threads:
        thread.start()
    for _ in threads:
        ready.acquire()
    print("ready", flush=True)
    sys.stdin.read()
    begin.set()
    for thread in threads:
        thread.join()


def _record(epoch: int) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        training_loss=1.0,
        training_accuracy=0.5,
        validation_loss=1.0,
        validation_accuracy=0.5,
        learning_rate=0.1,
        seconds=1.0,
    )


def _stored(store: Store) -> int:
    with store._engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(schema.epoch)) or 0
