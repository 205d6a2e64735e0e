"""The orchestrator as it runs in a cluster, `nago-orch serve`, and what the system says of its process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.jobs.control_plane import ControlPlane, running

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Program:
    process: subprocess.Popen[bytes]

    @property
    def megabytes(self) -> float:
        """Resident now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(status.split("VmRSS:")[1].split()[0]) / 1e6

    @property
    def cpu_seconds(self) -> float:
        """So far, in user and system mode."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND

    def cpu_share(self, seconds: float) -> float:
        """Of one core, over the next so many seconds."""
        before = self.cpu_seconds
        time.sleep(seconds)
        return (self.cpu_seconds - before) / seconds


@contextmanager
def serving(plane: ControlPlane, url: str) -> Iterator[Program]:
    """Told to leave at the end of the context."""
    environment = {**os.environ, "NAGO_DATABASE_URL": url, "KUBECONFIG": str(plane.kubeconfig("nago-orch"))}
    command = [sys.executable, "-m", "nago_orchestrator", "serve", "--port", "0", "--host", "127.0.0.1"]
    if profile := os.environ.get("NAGO_BENCHMARK_PROFILE"):
        command[1:1] = ["-m", "cProfile", "-o", profile]
    with running(plane.folder / "orchestrator.log", command, env=environment) as process:
        yield Program(process)


@contextmanager
def kubelet(plane: ControlPlane, url: str, seconds: float, *, spread: float = 0.0) -> Iterator[IO[bytes]]:
    """Its standard input: the number of pods that are to end at once. They find the database at `url`."""
    plane.put_secret("nago-trainer-database", url=url)
    arguments = [plane.address, plane.tokens["kubelet"], str(plane.authority), str(seconds), str(spread)]
    command = [sys.executable, "-m", "benchmarks.jobs.kubelet", *arguments]
    with running(plane.folder / "kubelet.log", command, stdin=subprocess.PIPE) as process:
        if process.stdin is None:
            raise RuntimeError("opened with a pipe")
        yield process.stdin
