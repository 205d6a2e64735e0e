"""Whether a process that wrote its name into the database still runs, as far as this machine can tell.

A number alone does not say: it is used again, and every container has its own 1. Boot, namespace of numbers and start
do. Where the system has no /proc there is no identity, and nobody is known to be gone.
"""

from __future__ import annotations

import os
from pathlib import Path

_ENDED = "ZX"
"""States of a process of which only the exit status is left."""


def own_identity() -> str | None:
    started = _start(os.getpid())
    place = _place()
    return None if place is None or started is None else f"{place} {os.getpid()} {started}"


def is_gone(identity: str | None) -> bool:
    """For certain. False also for a process of another machine or container, of which nothing is known."""
    place = _place()
    if identity is None or place is None or not identity.startswith(f"{place} "):
        return False
    pid, started = identity.split(" ")[-2:]
    return _start(int(pid)) != started


def _place() -> str | None:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return None


def _start(pid: int) -> str | None:
    """When it began, in ticks since the boot; None where no such process runs."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] in _ENDED else after_name[19]
