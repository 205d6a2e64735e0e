"""Asks the trainer, in a process of its own, whether this machine has the device that all trials are to use."""

from __future__ import annotations

import subprocess
import sys

from nago_orchestrator.errors import InputError

EVERYWHERE = ("auto", "cpu")
"""Every machine has these: no process is started, which would load torch."""
COMMAND = (sys.executable, "-m", "nago_trainer.training.device")


def refuse_missing_device(name: str) -> None:
    """Raises InputError with the trainer's sentence: without this, every trial would fail, one after the other."""
    if name in EVERYWHERE:
        return
    answer = subprocess.run([*COMMAND, name], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        told = answer.stderr.strip().splitlines() or [f"the trainer cannot use the device {name}"]
        raise InputError(told[-1].removeprefix("error: "))
