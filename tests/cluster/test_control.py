"""Studies that a user pauses, resumes and cancels while their Jobs are in flight."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.installation import Installation
from tests.cluster.study import ClusterStudy, small

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
TRIALS = 4


def _study(installation: Installation, name: str, *, nap: int) -> ClusterStudy:
    search = {"algorithm": "random", "proposals": TRIALS}
    return small(installation, name, search=search, fidelities=(1,), parallelism=2, nap=nap)


def test_paused_resumed_and_cancelled_with_jobs_in_flight(installation: Installation, tmp_path: Path) -> None:
    installation.wait_until_ready()
    paused, cancelled = _study(installation, "paused", nap=20), _study(installation, "cancelled", nap=600)
    for study in (paused, cancelled):
        study.submit()
    for study in (paused, cancelled):
        study.wait_until_runs()
    begun = _pause(paused)
    installation.orchestrator("cancel", cancelled.name, "--yes")
    _check_cancelled(cancelled)
    _check_paused(paused, begun)
    installation.orchestrator("resume", paused.name, "--detach")
    paused.wait_until_completed()
    paused.check_counts()
    assert paused.failures() == []
    assert paused.drawn() == paused.undisturbed(tmp_path)
    paused.wait_until_cleared()


def _pause(study: ClusterStudy) -> int:
    """How many attempts had begun."""
    study.installation.orchestrator("pause", study.name)
    assert study.jobs()
    return len(study.attempts())


def _check_paused(study: ClusterStudy, begun: int) -> None:
    """What ran has come to its end, and nothing new has begun."""
    study.wait_until("no Job is left", lambda: not study.jobs())
    attempts = study.attempts()
    assert {attempt["state"] for attempt in attempts} == {"succeeded"}
    assert begun <= len(attempts) < TRIALS
    assert study.state == "paused"


def _check_cancelled(study: ClusterStudy) -> None:
    """What ran was stopped, and nothing of it has stayed."""
    study.wait_until_cleared()
    assert study.state == "cancelled"
    assert {attempt["state"] for attempt in study.attempts()} == {"cancelled"}
    assert {trial["state"] for trial in study.trials()} == {"cancelled"}
