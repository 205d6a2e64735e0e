"""Processes that tests start: each ends with its test, also when the test fails, and none outlives the session."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

MARK = "NAGO_TEST_SESSION"
"""Whatever this session starts inherits this variable, also what loses its parent."""

_STARTED: list[subprocess.Popen[str]] = []


def start(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.Popen[str]:
    """As Popen; ended after the test at the latest."""
    process = subprocess.Popen(list(map(str, command)), env=env, text=True, **options)
    _STARTED.append(process)
    return process


def end_started() -> None:
    """With everything that they started in turn."""
    for process in _STARTED:
        if process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()
        process.communicate()
    _STARTED.clear()


def mark_session() -> str:
    """A name that the environment of all later processes bears."""
    os.environ[MARK] = uuid.uuid4().hex
    return os.environ[MARK]


def wait_for_end_of(session: str, seconds: float) -> None:
    """Returns earlier as soon as none of the session's processes is left."""
    deadline = time.monotonic() + seconds
    while any(of_session(session)) and time.monotonic() < deadline:
        time.sleep(0.1)


def of_session(name: str) -> Iterator[psutil.Process]:
    """All that live and were started by that session, but for this process itself."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == name:
                yield process
