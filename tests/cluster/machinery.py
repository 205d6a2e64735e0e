"""The parts of the tests' own cluster, as `node/up.sh` started them: stopped without a word, and started again.

For what only a machine's owner can do to a cluster. Not for clusters that others depend on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.images import run_script
from tests.cluster.kubectl import PATIENCE_SECONDS
from tests.processes import MARK

START = 'setsid nohup "$@" >> "$LOG" 2>&1 < /dev/null & echo $!'
"""As up.sh does it: the process is nobody's child, and outlives the tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machinery:
    folder: Path
    """Of the cluster: state, logs, process ids."""
    gpus: int

    @contextmanager
    def without(self, *parts: str) -> Iterator[None]:
        """Kill these parts by SIGKILL; at the end they are started again, the last one first."""
        commands = {part: self._kill(part) for part in parts}
        try:
            yield
        finally:
            for part in reversed(parts):
                self._start(part, commands[part])

    @contextmanager
    def powered_off(self) -> Iterator[None]:
        """The node loses its power: the kubelet, the container runtime and all containers are gone at once."""
        with self.without("kubelet", "containerd"):
            for pid in self._processes_of_containers():
                _kill(pid)
            yield
        # What a device plug-in does when the kubelet is back, which has forgotten the GPUs.
        run_script("gpus.sh", "--dir", str(self.folder), str(self.gpus))

    def signal_container(self, identity: str, number: signal.Signals) -> None:
        """To the first process of a container, as the kernel sees it: from inside nobody can kill it.

        Raises ProcessLookupError for a container that has ended.
        """
        os.kill(self.pid_of_container(identity), number)

    def pid_of_container(self, identity: str) -> int:
        """`identity`: as a pod's status has it, containerd://..."""
        wanted = identity.removeprefix("containerd://")
        listing = ["ctr", "-a", self._socket, "-n", "k8s.io", "tasks", "ls"]
        lines = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.splitlines()
        pids = [int(line.split()[1]) for line in lines if line.startswith(wanted)]
        if not pids:
            raise ProcessLookupError(f"the container {identity} has no process")
        return pids[0]

    @property
    def _socket(self) -> str:
        return str(self.folder / "run/containerd.sock")

    def _kill(self, part: str) -> list[str]:
        """Its command line."""
        pid = int((self.folder / "pids" / part).read_text())
        command = _command_line(pid)
        assert str(self.folder) in " ".join(command), f"process {pid} is not the {part} of {self.folder}"
        _kill(pid)
        return command

    def _start(self, part: str, command: list[str]) -> None:
        environment = {**os.environ, "LOG": str(self.folder / "logs" / f"{part}.log")}
        environment.pop(MARK, None)  # the cluster is the tests' own, or was there before them: it is not this session's
        started = subprocess.run(
            ["bash", "-c", START, "bash", *command], env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        (self.folder / "pids" / part).write_text(started.stdout)
        if part == "containerd":  # without which the kubelet would end at once
            _wait_until(self._runtime_answers, "containerd does not answer")

    def _runtime_answers(self) -> bool:
        return subprocess.run(["ctr", "-a", self._socket, "version"], capture_output=True, check=False).returncode == 0

    def _processes_of_containers(self) -> list[int]:
        """The shims, which hold a pod each, and all that runs below them."""
        children: dict[int, list[int]] = {}
        found: list[int] = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            with suppress(FileNotFoundError, ProcessLookupError):
                pid, command = int(entry.name), _command_line(int(entry.name))
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(pid)
                if command and "containerd-shim" in command[0] and self._socket in command:
                    found.append(pid)
        for pid in found:  # grows as it goes
            found += children.get(pid, [])
        return found


def _command_line(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _wait_until(lambda: not _is_alive(pid), f"process {pid} does not die")


def _wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
