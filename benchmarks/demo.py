"""The demonstration study on this machine: how long it takes and what it finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.figure import Goal, show

STUDY = Path(__file__).parents[1] / "examples" / "digits-demo.yaml"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NAGO_DATABASE_URL": str(Path(folder) / "nago.sqlite")}
        started = time.perf_counter()
        command(environment, "submit", str(STUDY), "--local")
        minutes = (time.perf_counter() - started) / 60
        trials = json.loads(command(environment, "trials", "-o", "json"))
    succeeded = [trial for trial in trials if trial["state"] == "succeeded"]
    met = [
        show("demo", "whole search", minutes, "min", Goal(3)),
        show("demo", "trials", len(succeeded), "trials", Goal(20, at_least=True)),
        show("demo", "fidelities", len({trial["fidelity"] for trial in succeeded}), "rungs", Goal(3, at_least=True)),
        show("demo", "best validation accuracy", 100 * best(succeeded), "%", Goal(95, at_least=True)),
        show("demo", "most parameters", max(trial["parameters"] for trial in succeeded), "parameters", Goal(50_000)),
    ]
    return 0 if all(met) else 1


def best(trials: list[dict[str, Any]]) -> float:
    """At the highest fidelity."""
    highest = max(trial["fidelity"] for trial in trials)
    return max(float(trial["validation_accuracy"]) for trial in trials if trial["fidelity"] == highest)


def command(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "nago_orchestrator", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
