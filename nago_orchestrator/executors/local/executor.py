"""Runs attempts as processes of this machine, each forked from one fork server that has torch loaded.

The processes outlive the orchestrator: one that is killed and started again finds them, or what they left, by their
folders. Everything that is known of an attempt stands in its folder (`attempt_folder`).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.credentials import Credentials
from nago_orchestrator.errors import ExecutorError, NagoError
from nago_orchestrator.executors.local.attempt_folder import (
    Report,
    read_claim,
    read_exit,
    read_json,
    read_report,
)
from nago_orchestrator.executors.local.ending import ended_observation
from nago_orchestrator.executors.local.freest_device import freest_device
from nago_orchestrator.executors.local.image_preparation import usual_folder
from nago_orchestrator.executors.local.nobody import claim_for_nobody
from nago_orchestrator.executors.local.one_folder import UnusableFolderError, one_or_all, unusable, write_whole
from nago_trainer.contract.attempt_files import (
    CHECKPOINTS_VARIABLE,
    CLAIM_FILE,
    EXIT_FILE,
    PREPARED_VARIABLE,
    REPORT_FILE,
    TASK_FILE,
)
from nago_trainer.contract.task import TrialTask

EXIT_STATUS_SECONDS = 5.0
"""How long the fork server may take to write how an attempt's process has ended."""
TELLING = (CLAIM_FILE, REPORT_FILE, EXIT_FILE)
"""Files of an attempt's folder: it begins, it reports, it has ended."""
FORK_SERVER_COMMAND = (sys.executable, "-m", "nago_trainer", "warm")


class LocalExecutor:
    """`root` holds one folder per attempt; `command` starts the fork server.

    `devices`: among which attempts are spread; empty, where each task's own device counts.
    """

    def __init__(
        self,
        root: Path,
        *,
        command: tuple[str, ...] = FORK_SERVER_COMMAND,
        exit_status_seconds: float = EXIT_STATUS_SECONDS,
        devices: Sequence[str] = (),
    ) -> None:
        self._devices = tuple(devices)
        self._device_of: dict[str, str] = {}
        """By attempts that have not ended."""
        self._root = root
        self._exit_status_seconds = exit_status_seconds
        self._command = command
        self._server: subprocess.Popen[bytes] | None = None
        self._sent: set[str] = set()
        """Attempts handed to the running fork server, which may not have claimed their folder yet."""
        self._reports: dict[str, Report] = {}
        self._unusable: dict[str, str] = {}
        """Why attempts could not be started whose folders alone are in trouble."""
        self._signatures: dict[str, tuple[int, ...]] = {}
        """Of the attempts last observed: the state of what may be written in their folders."""
        self._dead_since: dict[str, float] = {}
        """Attempts whose process is gone without an exit status, and when that was first seen."""

    @property
    def name(self) -> str:
        return "local"

    def warm_up(self) -> None:
        """Start the fork server ahead of the first attempt, so that it loads torch while the search is prepared."""
        with _usable(self._root):
            self._running_server()

    @property
    def reads_stored_tasks(self) -> bool:
        return False

    def credentials(self, name: str) -> Credentials:
        return Credentials(token=secrets.token_hex(16))

    def start(self, name: str, task: TrialTask) -> None:
        if self._devices:
            device = freest_device(self._devices, [of for other, of in self._device_of.items() if other != name])
            task, self._device_of[name] = replace(task, device=device), device
        folder, content = self._root / name, json.dumps(task.to_json())
        with _usable(self._root):
            try:
                with one_or_all(folder, content):
                    self._clear_foreign(folder, task.token)
                    if (folder / CLAIM_FILE).exists():
                        return
                    folder.mkdir(parents=True, exist_ok=True)
                    write_whole(folder / TASK_FILE, content)
            except UnusableFolderError as error:
                self._unusable[name] = str(error)
                return
            self._send(folder)
            self._sent.add(name)

    def start_all(self, tasks: Mapping[str, TrialTask]) -> None:
        errors = []
        for name, task in tasks.items():
            try:
                self.start(name, task)
            except ExecutorError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def has_news(self) -> bool:
        """By the files that trainers and fork server write; a process that disappears without a status is no news."""
        return any(_signature(self._root / name) != known for name, known in self._signatures.items())

    def observe(self, names: Collection[str]) -> Mapping[str, Observation]:
        self._signatures = {name: _signature(self._root / name) for name in names}  # before anything is read
        self._reports = {name: report for name, report in self._reports.items() if name in names}
        self._dead_since = {name: since for name, since in self._dead_since.items() if name in names}
        self._unusable = {name: why for name, why in self._unusable.items() if name in names}
        self._device_of = {name: device for name, device in self._device_of.items() if name in names}
        with _usable(self._root):
            return {name: self._observe_usable(name) for name in names}

    def stop(self, name: str, *, grace_seconds: float) -> None:
        self._sent.discard(name)
        claim_for_nobody(self._root / name)
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
        left = read_json(folder / TASK_FILE)
        if left is not None and left.get("token") != token:
            self.stop(folder.name, grace_seconds=1.0)
            shutil.rmtree(folder)
            self._reports.pop(folder.name, None)

    def _running_server(self) -> subprocess.Popen[bytes]:
        if self._server is not None and (exit_code := self._server.poll()) is not None:
            self.close()
            if exit_code > 0:  # by itself, and so would the next one; a signal came from outside
                raise NagoError(f"the trainer does not start: {self._last_line_of_log()}")
        if self._server is None:
            self._sent.clear()
            self._root.mkdir(parents=True, exist_ok=True)
            log = (self._root / "warm.log").open("ab")
            # A session of its own: Ctrl-C in the terminal is for the orchestrator alone.
            with log:
                self._server = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env={
                        CHECKPOINTS_VARIABLE: str(self._root.resolve() / "checkpoints"),
                        PREPARED_VARIABLE: usual_folder(),
                        **os.environ,
                    },
                    start_new_session=True,
                )
        return self._server

    def _last_line_of_log(self) -> str:
        log = self._root / "warm.log"
        lines = log.read_text(errors="replace").split("\n") if log.exists() else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), f"see {log}")
        return last.removeprefix("error: ")

    def _send(self, folder: Path) -> None:
        line = json.dumps({"folder": str(folder.resolve())}).encode() + b"\n"
        for _ in range(2):  # a server that died is replaced once
            server = self._running_server()
            try:
                os.write(server.stdin.fileno(), line)  # type: ignore[union-attr]  # opened with a pipe
            except BrokenPipeError:
                server.wait()
            else:
                return
        raise NagoError("the trainer does not start", do=f"see {self._root / 'warm.log'}")

    def _observe_usable(self, name: str) -> Observation:
        if name not in self._unusable:
            try:
                with one_or_all(self._root / name, "{}"):
                    return self._observe(name)
            except UnusableFolderError as error:
                self._unusable[name] = str(error)
        return unusable(self._unusable[name])

    def _observe(self, name: str) -> Observation:
        folder = self._root / name
        task = read_json(folder / TASK_FILE)
        if task is None:
            return Observation(phase=Phase.ABSENT)
        self._device_of[name] = str(task.get("device"))
        # Whether it has ended is looked up before the report, which is then complete if it has.
        ended, claim = read_exit(folder), read_claim(folder)
        alive = claim is not None and claim.is_alive
        report = self._reports.setdefault(name, Report())
        read_report(folder, report, task["token"])
        uid = str(claim.pid) if claim else None
        if ended is not None or report.result is not None:
            return ended_observation(folder, report, ended, uid)
        if claim is None:
            return Observation(phase=Phase.PENDING if self._is_with_server(name) else Phase.ABSENT)
        if alive or (self._is_with_server(name) and self._may_get_status(name)):
            return Observation(phase=Phase.RUNNING, epochs=tuple(report.epochs), uid=uid, node=os.uname().nodename)
        return ended_observation(folder, report, None, uid)

    def _is_with_server(self, name: str) -> bool:
        """The server is about to fork for it, or about to write how it ended."""
        return name in self._sent and self._server is not None and self._server.poll() is None

    def _may_get_status(self, name: str) -> bool:
        """A server that cannot write, e.g. because the disk is full, is not waited for."""
        return time.monotonic() - self._dead_since.setdefault(name, time.monotonic()) < self._exit_status_seconds


@contextmanager
def _usable(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExecutorError(f"cannot use the folder of the attempts: {error.strerror}", where=root) from error


def _leave(server: subprocess.Popen[bytes]) -> None:
    """The end of its input tells the server that nothing more will come; it ends with the last of its attempts."""
    if server.stdin is not None:
        server.stdin.close()
    try:
        server.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        # Somebody has to wait for it: else it would stay in the system's table of processes as long as this one lives.
        threading.Thread(target=server.wait, name="wait for a fork server", daemon=True).start()


def _signature(folder: Path) -> tuple[int, ...]:
    """Sizes of the files that tell of an attempt; -1 for one that is not there."""
    return tuple(_size(folder / name) for name in TELLING)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)
