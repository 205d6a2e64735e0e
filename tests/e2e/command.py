"""The installed command in a process of its own, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import processes
from tests.waiting import PATIENCE_SECONDS

COMMAND = (sys.executable, "-m", "nago_orchestrator")

STUDY = """
name: small
seed: 3
space: {hyperparameters: {top_nodes: {low: 3, high: 4}, mid_nodes: 1, bottom_nodes: {low: 3, high: 4}}}
objectives: [{name: accuracy}, {name: memory}]
fidelities: [1, 2, 4]
search: {algorithm: bohb, iterations: 3}
trainer: {dataset: {name: digits}, parameter_limit: 10000}
execution: {parallelism: 1, device: cpu}
retries: {pause: 0}
"""


def write_study(folder: Path, **changes: str) -> Path:
    """A small study's file, with some of its top-level lines exchanged."""
    lines = STUDY.splitlines()
    for key, value in changes.items():
        lines = [line for line in lines if not line.startswith(f"{key}:")] + [f"{key}: {value}"]
    path = folder / "study.yaml"
    path.write_text("\n".join(lines))
    return path


def start(database: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """Ended after the test at the latest."""
    environment = {**os.environ, "NAGO_DATABASE_URL": database, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    return processes.start(
        [*COMMAND, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def run(database: str, *arguments: str | Path, code: int = 0) -> str:
    """What it prints, once it has ended with `code`."""
    process = start(database, *arguments)
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == code, f"exit code {process.returncode}\n{output}\n{errors}"
    assert "Traceback" not in errors
    return output + errors


def read(database: str, *arguments: str) -> Any:
    """A listing, as values."""
    process = start(database, *arguments, "-o", "json")
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, errors
    return json.loads(output)
