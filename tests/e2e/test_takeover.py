"""An orchestrator on PostgreSQL that is frozen or killed is replaced; when it wakes, it says so and writes nothing."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.server.server import TAKE_OVER_SECONDS
from nago_orchestrator.store.lock import TERMS
from nago_orchestrator.store.store import Store, open_store
from tests import processes
from tests.conftest import PostgresDatabases
from tests.e2e.command import COMMAND, read, run, start, write_study
from tests.pgbouncer import pooled
from tests.studies import create, small_spec
from tests.waiting import PATIENCE_SECONDS, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

LOG = logging.getLogger(__name__)
PROMISED_SECONDS = 30.0
"""Until another process runs the study, on a machine that is not overloaded."""
REFUSED = 2
"""Exit code."""
TRIALS = 6


@pytest.fixture(params=["direct", "pooled"])
def url(request: pytest.FixtureRequest, postgres: PostgresDatabases, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    address = postgres.without_rows()
    with pooled(address, connections=1) if request.param == "pooled" else nullcontext(address) as through:
        yield through


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_a_frozen_run_is_replaced_by_another_and_ends_with_a_sentence(url: str, tmp_path: Path) -> None:
    study = _long_study(tmp_path)
    first = start(url, "submit", study)
    until(lambda: _results(url) > 0, lambda: first.communicate())
    first.send_signal(signal.SIGSTOP)
    assert f"pid {first.pid} on {socket.gethostname()}" in run(url, "resume", "small", code=REFUSED)
    began = time.monotonic()
    second = _takes_over(url)
    LOG.info("SIGSTOP: another run took over after %.1f s", time.monotonic() - began)
    first.send_signal(signal.SIGCONT)
    output, errors = first.communicate(timeout=PATIENCE_SECONDS)
    assert first.returncode == REFUSED, output + errors
    assert "error: the study 'small' was taken over from this process" in errors
    assert "Traceback" not in errors
    output, errors = second.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 0, output + errors
    _assert_whole(url)


@pytest.mark.parametrize("url", ["direct"], indirect=True)
def test_a_killed_run_is_replaced_at_once(url: str, tmp_path: Path) -> None:
    first = start(url, "submit", _long_study(tmp_path))
    until(lambda: _results(url) > 0, lambda: first.communicate())
    first.kill()
    first.communicate()
    run(url, "resume", "small")
    _assert_whole(url)


@pytest.mark.parametrize(
    ("url", "end"),
    [
        ("direct", signal.SIGSTOP),
        ("direct", signal.SIGKILL),
        ("direct", signal.SIGTERM),
        ("pooled", signal.SIGSTOP),  # the other ends leave nothing to the pooler
    ],
    indirect=["url"],
)
def test_a_server_takes_over(url: str, tmp_path: Path, end: signal.Signals) -> None:
    store = open_store(url)
    study = create(store, small_spec(search=f"{{algorithm: random, proposals: {TRIALS}}}", fidelities="[2]"))
    servers = [_Server(url, tmp_path / name) for name in ("one", "two")]
    until(lambda: any(server.says("serving") for server in servers))
    first, second = sorted(servers, key=lambda server: not server.says("serving"))
    until(lambda: second.says("waiting"))
    until(lambda: store.trial_counts(study.id)[TrialState.SUCCEEDED])
    first.process.send_signal(end)
    began = time.monotonic()
    until(lambda: second.says("serving"))
    seconds = time.monotonic() - began
    LOG.info("%s: another server took over after %.1f s", end.name, seconds)
    if end is signal.SIGSTOP:  # one that wakes before another has asked for the study keeps it
        until(lambda: _is_held_by(store, second.process))
    first.process.send_signal(signal.SIGCONT)
    if end is signal.SIGSTOP:
        until(lambda: first.says("waiting"))
        until(lambda: "the study 'small' was taken over from this process" in first.text())
    assert "Traceback" not in first.text() + second.text()
    until(lambda: store.study("small").state is StudyState.COMPLETED, second.text)
    assert store.trial_counts(study.id)[TrialState.SUCCEEDED] == TRIALS
    store.close()


def test_what_is_waited_for_adds_up_to_less_than_what_is_promised() -> None:
    """The other tests measure the same; how long it takes there depends on the machine."""
    assert TERMS.term.total_seconds() + TAKE_OVER_SECONDS < PROMISED_SECONDS


class _Server:
    def __init__(self, url: str, log: Path) -> None:
        self._log = log
        with log.open("wb") as lines:
            environment = {**os.environ, "NAGO_DATABASE_URL": url}
            self.process = processes.start(
                [*COMMAND, "serve", "--where", "local", "--port", "0", "--host", "127.0.0.1"],
                env=environment,
                stdout=lines,
                stderr=lines,
            )

    def text(self) -> str:
        return self._log.read_text()

    def says(self, event: str) -> bool:
        lines: list[dict[str, Any]] = [json.loads(line) for line in self.text().splitlines() if line.startswith("{")]
        return any(line.get("event") == event for line in lines)


def _long_study(folder: Path) -> Path:
    return write_study(folder, search=f"{{algorithm: random, proposals: {TRIALS}}}", fidelities="[2]")


def _results(url: str) -> int:
    return sum(trial["state"] == "succeeded" for trial in _trials(url))


def _trials(url: str) -> list[dict[str, Any]]:
    try:
        return list(read(url, "trials", "small"))
    except AssertionError:
        return []  # it is not stored yet


def _takes_over(url: str) -> subprocess.Popen[str]:
    """Asks again until it is not refused."""
    store = open_store(url)
    while True:
        process = start(url, "resume", "small")
        until(lambda: process.poll() is not None or _is_held_by(store, process))  # noqa: B023  # done within the turn
        if process.poll() != REFUSED:
            store.close()
            return process


def _is_held_by(store: Store, process: subprocess.Popen[str]) -> bool:
    return (store.holder(store.study("small").id) or "").startswith(f"pid {process.pid} ")


def _assert_whole(url: str) -> None:
    trials = _trials(url)
    assert [trial["state"] for trial in trials] == ["succeeded"] * TRIALS
    assert [trial["trial"] for trial in trials] == list(range(TRIALS))
    run(url, "replay", "small", "--verify")
