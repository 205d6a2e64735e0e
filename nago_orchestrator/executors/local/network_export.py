"""Has the trainer write a saved network in another form, in a process of its own; only the trainer knows networks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from nago_orchestrator.errors import InputError, NagoError
from nago_trainer.contract.exit_codes import ExitCode

COMMAND = (sys.executable, "-m", "nago_trainer", "export")


def export_network(network: Path, options: Sequence[str], command: Sequence[str] = COMMAND) -> str:
    """What the trainer says of the file that it wrote. Raises InputError or NagoError with the trainer's sentence."""
    ended = subprocess.run([*command, str(network), *options], capture_output=True, text=True, check=False)
    if ended.returncode == ExitCode.DONE:
        return ended.stdout.strip()
    complaint = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    kind = InputError if ended.returncode in (ExitCode.BAD_TASK, ExitCode.UNWRITABLE) else NagoError
    raise kind(complaint[-1].removeprefix("error: ") if complaint else "the trainer cannot export the network")
