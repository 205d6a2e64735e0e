"""kill -9 of the orchestrator at random moments: the study that comes out is the one that was never killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.command import read, run, start, write_study
from tests.waiting import PATIENCE_SECONDS, until

KILLS = 30
MOST_ROWS = 6
"""Written between a start and its kill."""
WRITTEN = ("proposal", "trial", "attempt", "result", "epoch", "evaluation")
SEED = 20260101


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_thirty_random_kills_change_nothing(tmp_path: Path) -> None:
    study = write_study(tmp_path, search="{algorithm: bohb, iterations: 12}")
    disturbed, undisturbed = str(tmp_path / "disturbed.sqlite"), str(tmp_path / "undisturbed.sqlite")
    reference = start(undisturbed, "submit", study)
    rng = np.random.default_rng(SEED)
    kills = 0
    while kills < KILLS:
        wanted = rows(disturbed) + int(rng.integers(0, MOST_ROWS, endpoint=True))
        process = start(disturbed, "submit", study)
        time.sleep(rng.uniform(0.0, 1.0))  # in the midst of its start, too
        until(lambda: rows(disturbed) >= wanted or process.poll() is not None)  # noqa: B023  # done within the turn
        assert process.poll() is None, f"the study ended after {kills} kills: {process.communicate()}"
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
    run(disturbed, "submit", study)  # where every kill came too early, there is nothing to resume
    output, errors = reference.communicate(timeout=PATIENCE_SECONDS)
    assert reference.returncode == 0, output + errors
    assert history(disturbed) == history(undisturbed)
    trials = read(disturbed, "trials")
    assert len(trials) == 52
    assert {trial["state"] for trial in trials} == {"succeeded"}
    assert {trial["epochs_done"] == trial["fidelity"] for trial in trials} == {True}
    run(disturbed, "replay", "--verify")


def rows(database: str) -> int:
    """How many the loop has written so far: at least five for each of the study's 52 trials."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in WRITTEN)
    except sqlite3.OperationalError:
        return 0  # there are no tables yet


def history(database: str) -> list[dict[str, Any]]:
    """All that was proposed and told, in order, without the times."""
    times = ("evaluated_at", "told_at")
    return [{key: value for key, value in row.items() if key not in times} for row in read(database, "replay")]
