"""Trainers that do to their own attempt whatever a trainer can do: what it reports is no report, or half of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from nago_trainer.contract.attempt_files import EXIT_FILE, REPORT_FILE, TASK_FILE
from tests.chaos.course import Done, NoTargetError
from tests.chaos.disturbers.port import chosen
from tests.chaos.plan import Disturbance
from tests.chaos.roles import claimant
from tests.chaos.scene import Scene

_RESULT = {
    "validation_accuracy": 0.5,
    "validation_loss": 1.0,
    "diverged": False,
    "epochs": 1,
    "seconds": 1.0,
    "seconds_to_first_step": 1.0,
    "parameters": 1,
    "device": "cpu",
    "network": None,
}


def _with(**changes: object) -> Callable[[str], bytes]:
    return lambda token: json.dumps({"token": token, "result": {**_RESULT, **changes}}).encode() + b"\n"


GARBAGE: tuple[Callable[[str], bytes], ...] = (
    _with(validation_accuracy=7.0),
    _with(seconds=float("inf")),
    _with(parameters=10**400),
    _with(device="\udcff"),
    _with(diverged="perhaps"),
    lambda token: json.dumps({"token": token, "epoch": {"epoch": -1}}).encode() + b"\n",
    lambda token: (
        json.dumps({"token": token, "failure": {"kind": "of my own", "reason": "", "message": 7}}).encode() + b"\n"
    ),
    lambda token: b'{"token": "' + token.encode() + b'", "result": ' + b"[" * 100_000 + b"\n",
    lambda _token: b'{"token": "forged", "result": {"validation_accuracy": 1.0}}\n',
    lambda _token: bytes(range(256)) * 16 + b"\n",
    lambda _token: b'{"token": ',  # the trainer's next line is lost with it
)
"""What is appended to a report, by the attempt's token."""


def garble(scene: Scene, disturbance: Disturbance) -> Done:
    folder = chosen(_live_attempts(scene), disturbance)
    which = int(disturbance.seconds * 1000) % len(GARBAGE)
    _append(folder, GARBAGE[which])
    return Done(f"{folder.name}, garbage {which}")


def cut_off(scene: Scene, disturbance: Disturbance) -> Done:
    """Killed in the middle of a write."""
    folder = chosen(_live_attempts(scene), disturbance)
    pid = claimant(folder)
    whole = _with()(_token(folder))
    _append(folder, lambda _token: whole[: 1 + int(disturbance.choice * (len(whole) - 2))])
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid or 0).kill()
    return Done(f"{folder.name}, pid {pid}")


def _live_attempts(scene: Scene) -> list[Path]:
    trainers = {process.pid for process in scene.roles().trainers}
    folders = [path.parent for path in sorted(scene.disk.rglob(TASK_FILE))]
    return [folder for folder in folders if claimant(folder) in trainers and not (folder / EXIT_FILE).exists()]


def _append(folder: Path, line: Callable[[str], bytes]) -> None:
    try:
        with (folder / REPORT_FILE).open("ab") as report:
            report.write(line(_token(folder)))
    except OSError:  # of a full disk
        raise NoTargetError from None


def _token(folder: Path) -> str:
    try:
        return str(json.loads((folder / TASK_FILE).read_text())["token"])
    except (OSError, ValueError):
        raise NoTargetError from None
