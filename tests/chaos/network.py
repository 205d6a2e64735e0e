"""A network namespace with one cable to this machine, which can be cut: packets vanish, no connection is closed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_BITS = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    name: str
    """Of the namespace; also of the cable's outer end."""
    outer: str
    """Address of this machine, as seen from inside."""
    network: str
    """Of both ends."""

    def inside(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """The command, in the namespace: only its network is another one."""
        return ("nsenter", f"--net=/run/netns/{self.name}", *command)

    def cut(self) -> None:
        _ip("link", "set", self.name, "down")

    def mend(self) -> None:
        _ip("link", "set", self.name, "up")


@contextmanager
def cable() -> Iterator[Cable]:
    """Needs root."""
    name = f"chaos{os.getpid()}"
    block = os.getpid() % _BITS
    prefix = f"10.{64 + block // 256}.{block % 256}"
    made = Cable(name=name, outer=f"{prefix}.1", network=f"{prefix}.0/24")
    _ip("netns", "add", name)
    _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
    try:
        _ip("address", "add", f"{made.outer}/24", "dev", name)
        _ip("link", "set", name, "up")
        _ip("-n", name, "address", "add", f"{prefix}.2/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield made
    finally:
        _ip("link", "delete", name)  # a namespace lives on as long as a process in it
        _ip("netns", "delete", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
