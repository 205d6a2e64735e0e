"""kill -9 of the orchestrator at random moments: the study that comes out is the one that was never killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.command import read, run, start, write_study
from tests.waiting import PATIENCE_SECONDS

KILLS = 30
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
        process = start(disturbed, "submit", study)
        time.sleep(rng.uniform(0.1, 5.0))
        assert process.poll() is None, f"the study ended after {kills} kills: {process.communicate()}"
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
    run(disturbed, "submit", study)  # where every kill came too early, there is nothing to resume
    output, errors = reference.communicate(timeout=4 * PATIENCE_SECONDS)
    assert reference.returncode == 0, output + errors
    assert history(disturbed) == history(undisturbed)
    trials = read(disturbed, "trials")
    assert len(trials) == 52
    assert {trial["state"] for trial in trials} == {"succeeded"}
    assert {trial["epochs_done"] == trial["fidelity"] for trial in trials} == {True}
    run(disturbed, "replay", "--verify")


def history(database: str) -> list[dict[str, Any]]:
    """All that was proposed and told, in order, without the times."""
    return [{key: value for key, value in row.items() if key != "evaluated_at"} for row in read(database, "replay")]
