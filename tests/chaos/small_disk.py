"""A small disk of a study's own, in memory, that can be filled without harm to others. Only root may mount one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BALLAST = ".ballast"
_STEPS = (1 << 20, 1 << 12, 1)


def may_mount() -> bool:
    return os.getuid() == 0


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[None]:
    """At an empty folder; an ordinary folder of the big disk where this user may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    if not may_mount():
        yield
        return
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "nago-chaos", folder)
    try:
        yield
    finally:
        _run("umount", "--lazy", folder)


def fill(folder: Path) -> None:
    """To the last byte."""
    with (folder / _BALLAST).open("ab", buffering=0) as file:
        for step in _STEPS:
            block = bytes(step)
            try:
                while file.write(block) == step:
                    pass
            except OSError:
                continue


def give_room(folder: Path) -> None:
    (folder / _BALLAST).unlink(missing_ok=True)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)
