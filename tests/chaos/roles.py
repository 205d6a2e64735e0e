"""The processes of one disturbed study, by what they do in it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from nago_trainer.contract.attempt_files import CLAIM_FILE

MARK = "NAGO_CHAOS_STUDY"
"""Whatever a round starts inherits this variable, also what loses its parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """At one moment."""

    orchestrators: tuple[psutil.Process, ...]
    fork_servers: tuple[psutil.Process, ...]
    trainers: tuple[psutil.Process, ...]

    @property
    def all(self) -> tuple[psutil.Process, ...]:
        return self.orchestrators + self.fork_servers + self.trainers


def roles(mark: str, disk: Path) -> Roles:
    """A trainer is a fork of its server with the same command line: what tells it apart is its claim on the disk."""
    claimed = {claimant(path.parent) for path in disk.rglob(CLAIM_FILE)}
    found: dict[str, list[psutil.Process]] = {"nago_orchestrator": [], "server": [], "trainer": []}
    for process in marked(mark):
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if "nago_orchestrator" in words:
                found["nago_orchestrator"].append(process)
            elif "nago_trainer" in words:
                found["trainer" if process.pid in claimed else "server"].append(process)
    return Roles(
        orchestrators=tuple(found["nago_orchestrator"]),
        fork_servers=tuple(found["server"]),
        trainers=tuple(found["trainer"]),
    )


def marked(mark: str) -> Iterator[psutil.Process]:
    """All that live and bear the mark."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark:
                yield process


def claimant(folder: Path) -> int | None:
    """The pid that has claimed this attempt; None if nobody has."""
    try:
        return int(json.loads((folder / CLAIM_FILE).read_text())["pid"])
    except (OSError, ValueError):
        return None
