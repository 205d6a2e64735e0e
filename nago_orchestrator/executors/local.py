"""Runs attempts as processes of this machine, each forked from one warm process that has torch loaded.

The processes outlive the orchestrator: one that is killed and started again finds them, or what they left, by their
folders. Everything that is known of an attempt stands in its folder (`attempt_folder`).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

from nago_orchestrator.domain import Failure, Observation, Phase
from nago_orchestrator.errors import NagoError
from nago_orchestrator.executors.attempt_folder import (
    Report,
    read_claim,
    read_exit,
    read_json,
    read_log_tail,
    read_report,
)
from nago_trainer.contract import ExitCode, TrialTask

CRASH_SIGNALS = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
"""What a program does to itself; any other signal came from outside (the kernel short of memory, a person)."""

WARM_COMMAND = (sys.executable, "-m", "nago_trainer", "warm")


class LocalExecutor:
    """`root` holds one folder per attempt; `command` starts the warm process."""

    def __init__(self, root: Path, *, command: tuple[str, ...] = WARM_COMMAND) -> None:
        self._root = root
        self._command = command
        self._server: subprocess.Popen[bytes] | None = None
        self._sent: set[str] = set()
        """Attempts handed to the living server, which may not have claimed their folder yet."""
        self._reports: dict[str, Report] = {}

    @property
    def name(self) -> str:
        return "local"

    def warm_up(self) -> None:
        """Start the warm process ahead of the first attempt, so that it loads torch while the search is prepared."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._living_server()

    def start(self, name: str, task: TrialTask) -> None:
        folder = self._root / name
        self._clear_foreign(folder, task.token)
        if (folder / "claim.json").exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(folder / "task.json", json.dumps(task.to_json()))
        self._send(folder)
        self._sent.add(name)

    def observe(self, names: Collection[str]) -> Mapping[str, Observation]:
        self._reports = {name: report for name, report in self._reports.items() if name in names}
        return {name: self._observe(name) for name in names}

    def stop(self, name: str, *, grace_seconds: float) -> None:
        self._sent.discard(name)
        claim = read_claim(self._root / name)
        if claim is None or not claim.is_alive:
            return
        _signal_group(claim.pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        while claim.is_alive and time.monotonic() < deadline:
            time.sleep(0.02)
        if claim.is_alive:
            _signal_group(claim.pid, signal.SIGKILL)

    def close(self) -> None:
        if self._server is not None:
            _leave(self._server)
        self._server = None

    def _clear_foreign(self, folder: Path, token: str) -> None:
        """A folder of the same name but another token was left by a database that is gone."""
        left = read_json(folder / "task.json")
        if left is not None and left.get("token") != token:
            self.stop(folder.name, grace_seconds=1.0)
            shutil.rmtree(folder)
            self._reports.pop(folder.name, None)

    def _living_server(self) -> subprocess.Popen[bytes]:
        if self._server is not None and self._server.poll() is not None:
            self.close()
        if self._server is None:
            self._sent.clear()
            log = (self._root / "warm.log").open("ab")
            # A session of its own: Ctrl-C in the terminal is for the orchestrator alone.
            with log:
                self._server = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
                )
        return self._server

    def _send(self, folder: Path) -> None:
        line = json.dumps({"folder": str(folder.resolve())}).encode() + b"\n"
        for _ in range(2):  # a server that died is replaced once
            server = self._living_server()
            try:
                os.write(server.stdin.fileno(), line)  # type: ignore[union-attr]  # opened with a pipe
            except BrokenPipeError:
                server.wait()
            else:
                return
        raise NagoError(f"the trainer's process does not start: see {self._root / 'warm.log'}")

    def _observe(self, name: str) -> Observation:
        folder = self._root / name
        task = read_json(folder / "task.json")
        if task is None:
            return Observation(phase=Phase.ABSENT)
        # Whether it has ended is looked up before the report, which is then complete if it has.
        ended, claim = read_exit(folder), read_claim(folder)
        alive = claim is not None and claim.is_alive
        report = self._reports.setdefault(name, Report())
        read_report(folder, report, task["token"])
        uid = str(claim.pid) if claim else None
        if ended is not None or report.result is not None:
            return _ended(folder, report, ended, uid)
        if claim is None:
            return Observation(phase=Phase.PENDING if self._is_with_server(name) else Phase.ABSENT)
        if alive or self._is_with_server(name):
            return Observation(phase=Phase.RUNNING, epochs=tuple(report.epochs), uid=uid, node=os.uname().nodename)
        return _ended(folder, report, None, uid)

    def _is_with_server(self, name: str) -> bool:
        """The server is about to fork for it, or about to write how it ended."""
        return name in self._sent and self._server is not None and self._server.poll() is None


_LEFT_RUNNING: list[subprocess.Popen[bytes]] = []
"""Servers that end by themselves after their last attempt; kept, or Python would miss somebody who waits for them."""


def _leave(server: subprocess.Popen[bytes]) -> None:
    """The end of its input tells the server that nothing more will come."""
    if server.stdin is not None:
        server.stdin.close()
    if server.poll() is None:
        _LEFT_RUNNING.append(server)


def _ended(folder: Path, report: Report, ended: tuple[int, datetime] | None, uid: str | None) -> Observation:
    exit_code, ended_at = ended if ended is not None else (None, datetime.now(UTC))
    failure, reason, message = _cause(report, exit_code)
    return Observation(
        phase=Phase.ENDED,
        epochs=tuple(report.epochs),
        result=report.result,
        exit_code=exit_code,
        failure=failure,
        reason=reason,
        message=message,
        node=os.uname().nodename,
        uid=uid,
        log_tail=read_log_tail(folder) if report.result is None else None,
        ended_at=ended_at,
    )


def _cause(report: Report, exit_code: int | None) -> tuple[Failure | None, str | None, str | None]:
    if report.result is not None:
        return None, None, None
    if report.failure is not None:
        return Failure(report.failure["kind"]), report.failure["reason"], report.failure["message"]
    if exit_code is None:
        return Failure.INFRASTRUCTURE, "Lost", "the process vanished without a word"
    if exit_code < 0 or exit_code >= 128:
        number = -exit_code if exit_code < 0 else exit_code - 128
        kind = Failure.DEFECT if number in CRASH_SIGNALS else Failure.INFRASTRUCTURE
        return kind, f"Signal{number}", f"the process was ended by signal {number}"
    if exit_code == ExitCode.INFEASIBLE:
        return Failure.INFEASIBLE, "Infeasible", "the trainer found the network impossible to train here"
    if exit_code == ExitCode.DONE:
        return Failure.DEFECT, "NoResult", "the trainer ended well but left no result"
    return Failure.DEFECT, f"ExitCode{exit_code}", f"the trainer ended with exit code {exit_code}"


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _write_whole(path: Path, content: str) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_text(content)
    draft.replace(path)
