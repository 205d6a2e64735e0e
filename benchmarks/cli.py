"""How quickly the command line answers: --help, and status and best on a study of 10,000 finished trials.

`python -m benchmarks.cli` prints one JSON line per figure and ends with 1 if a goal is not met. The study
is made first, in a temporary SQLite file; the commands run as processes of their own, as a user runs them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figure import Goal, show

TRIALS = 10_000
RUNS = 5


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        url = str(Path(folder) / "study.sqlite")
        # In a process of its own: a child's peak memory counts what its parent had when it was born.
        subprocess.run([sys.executable, "-m", "benchmarks.synthetic_study", url, str(TRIALS)], check=True)
        helped, help_memory = measure(["--help"], url)
        met = [
            show("cli", "--help, median", helped, "s", Goal(0.4)),
            show("cli", "--help, peak memory", help_memory, "MB", Goal(200)),
        ]
        for command in ("status", "best"):
            seconds, megabytes = measure([command], url)
            met.append(show("cli", f"{command} of {TRIALS:,} trials, median", seconds, "s", Goal(1)))
            met.append(show("cli", f"{command} of {TRIALS:,} trials, peak memory", megabytes, "MB", Goal(200)))
    return 0 if all(met) else 1


def measure(arguments: list[str], url: str) -> tuple[float, float]:
    """Median wall time in seconds and largest peak memory in megabytes; one run before them warms the caches."""
    runs = [run_once(arguments, url) for _ in range(RUNS + 1)][1:]
    return statistics.median(seconds for seconds, _ in runs), max(megabytes for _, megabytes in runs)


def run_once(arguments: list[str], url: str) -> tuple[float, float]:
    """Raises CalledProcessError unless the command succeeds."""
    command = [sys.executable, "-m", "nago_orchestrator", *arguments]
    environment = {**os.environ, "NAGO_DATABASE_URL": url}
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds, usage.ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    raise SystemExit(main())
