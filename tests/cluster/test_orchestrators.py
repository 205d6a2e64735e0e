"""Orchestrators that end in mid-study: what runs is adopted, no attempt is lost, and the next one takes over soon."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster.installation import Installation
from tests.cluster.machinery import Machinery
from tests.cluster.orchestrators import Orchestrators
from tests.cluster.study import ClusterStudy, small

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
LOG = logging.getLogger(__name__)
TRIALS = 6


@pytest.fixture(scope="module")
def orchestrators(installation: Installation) -> Orchestrators:
    installation.wait_until_ready()
    return Orchestrators(installation=installation)


def _submitted(installation: Installation, name: str, *, nap: int) -> ClusterStudy:
    """Random search, whose proposals depend on no order; its first trials run."""
    search = {"algorithm": "random", "proposals": TRIALS}
    study = small(installation, name, search=search, fidelities=(1,), nap=nap)
    study.submit()
    study.wait_until_runs(at_least=2)
    return study


def _check_undisturbed(study: ClusterStudy, folder: Path) -> None:
    """Completed as if nothing had happened: one attempt for each trial."""
    study.wait_until_completed()
    study.check_counts()
    assert [attempt["number"] for attempt in study.attempts()] == [1] * TRIALS
    assert study.drawn() == study.undisturbed(folder)
    study.wait_until_cleared()


def test_killed_and_deleted_in_mid_study_it_adopts_what_runs(
    orchestrators: Orchestrators, machinery: Machinery, tmp_path: Path
) -> None:
    study = _submitted(orchestrators.installation, "killed", nap=45)
    restarts = orchestrators.restarts()
    uids = {job["metadata"]["uid"] for job in study.jobs()}
    orchestrators.kill(machinery)
    study.wait_until("it runs again", lambda: orchestrators.restarts() > restarts)
    orchestrators.wait_for("serving", orchestrators.the_pod())
    study.wait_until("it knows the Jobs", lambda: uids <= {attempt["uid"] for attempt in study.attempts()})
    study.wait_until_runs()
    deleted = orchestrators.the_pod()
    orchestrators.installation.kubectl("delete", "pod", deleted)
    assert study.state == "running"
    _check_undisturbed(study, tmp_path)
    assert orchestrators.the_pod() != deleted


@pytest.mark.parametrize("end", ["killed", "vanished"])
def test_a_second_one_takes_over(orchestrators: Orchestrators, machinery: Machinery, tmp_path: Path, end: str) -> None:
    study = _submitted(orchestrators.installation, f"taken-over-{end}", nap=20)
    with orchestrators.two() as first:
        gone = datetime.now(UTC)
        if end == "vanished":
            orchestrators.vanish(first, machinery)
        else:
            orchestrators.installation.kubectl("delete", "pod", first, "--force", "--grace-period=0", "--wait=false")
        began = orchestrators.wait_for_successor(first)
        # 23 s at most on an idle machine (tests/e2e/test_takeover.py): how long it takes here depends on the machine.
        LOG.info("%s: another orchestrator took over after %.1f s", end, (began - gone).total_seconds())
        _check_undisturbed(study, tmp_path)
