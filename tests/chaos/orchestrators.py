"""The orchestrators of a disturbed study: one is always kept at work, as a user or a supervisor would do it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests import processes

COMMAND = (sys.executable, "-m", "nago_orchestrator")
EXIT_CODES = frozenset({0, 2, 3, -signal.SIGKILL})
"""Complete; held by another or no database; no folder, or the study failed; killed. 1 is a bug."""
PAUSE_SECONDS = 1.0
"""Between two starts."""
SERVERS = 2
NEVER_SAID = ("Traceback", "bug in nago-orch")


@dataclass(frozen=True, slots=True)
class Orchestrator:
    process: subprocess.Popen[str]
    log: Path
    is_inside: bool
    """In the namespace behind the cable."""


@dataclass
class Orchestrators:
    folder: Path
    """Of their logs."""
    environment: Mapping[str, str]
    command: tuple[str, ...]
    """What each of them runs."""
    asked_to_leave: Callable[[], bool] | None = None
    """For servers, of which two are kept at work until this holds; without it, a command ends with its study."""
    inside: Callable[[tuple[str, ...]], tuple[str, ...]] | None = None
    """Puts a command behind the cable, where there is one."""
    is_cut: bool = False
    """Whether those behind the cable are cut off."""
    faults: list[str] = field(default_factory=list)
    """Of those that have ended otherwise than they may."""
    completed: bool = False
    _alive: list[Orchestrator] = field(default_factory=list)
    _started: int = 0
    _next_start: float = 0.0

    def keep_at_work(self) -> None:
        """Another one starts where too few can work: those that are frozen or cut off are not waited for."""
        self.look_after_the_ended()
        if self.asked_to_leave is not None and self.asked_to_leave():
            self.completed = True
        able = [one for one in self._alive if not _is_frozen(one) and not (one.is_inside and self.is_cut)]
        wanted = 1 if self.asked_to_leave is None else SERVERS
        if len(able) < wanted and not self.completed and time.monotonic() >= self._next_start:
            self.start()

    def leave(self) -> None:
        """Servers do so when they are asked."""
        for one in self._alive if self.asked_to_leave is not None else ():
            one.process.terminate()

    def start(self) -> Orchestrator:
        self._started += 1
        is_inside = self.inside is not None and self._started % 2 == 1
        log = self.folder / f"orchestrator-{self._started}.log"
        command = (*COMMAND, *self.command)
        with log.open("w") as lines:
            process = processes.start(
                self.inside(command) if self.inside is not None and is_inside else command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=lines,
                start_new_session=True,
            )
        self._next_start = time.monotonic() + PAUSE_SECONDS
        started = Orchestrator(process, log, is_inside)
        self._alive.append(started)
        return started

    def look_after_the_ended(self) -> None:
        for one in [one for one in self._alive if one.process.poll() is not None]:
            self._alive.remove(one)
            text = one.log.read_text(errors="replace")
            self.completed = self.completed or (one.process.returncode == 0 and self.asked_to_leave is None)
            if one.process.returncode not in EXIT_CODES or any(words in text for words in NEVER_SAID):
                self.faults.append(f"{one.log.name} ended with {one.process.returncode}: {text[-3000:]}")

    def all_ended(self) -> bool:
        self.look_after_the_ended()
        return not self._alive


def _is_frozen(one: Orchestrator) -> bool:
    try:
        return str(psutil.Process(one.process.pid).status()) == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False
