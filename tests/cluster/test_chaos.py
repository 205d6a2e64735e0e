"""Rounds of disturbances of everything in the cluster, in turn and at once; NAGO_CHAOS_SEED and _ROUNDS say which."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.store.logins import PREFIX
from tests.chaos.course import Course
from tests.chaos.plan import CLUSTER_PARALLELISM, plan_cluster_round
from tests.cluster.disturbers import cluster_disturbers
from tests.cluster.installation import Installation
from tests.cluster.kubectl import KubectlError
from tests.cluster.machinery import Machinery
from tests.cluster.orchestrators import Orchestrators
from tests.cluster.study import ClusterStudy, small

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600, func_only=True)]
LOG = logging.getLogger(__name__)
SEED = int(os.environ.get("NAGO_CHAOS_SEED", "20260101"))
ROUNDS = int(os.environ.get("NAGO_CHAOS_ROUNDS", "1"))
SIZE = int(os.environ.get("NAGO_CHAOS_SIZE", "6"))
"""Disturbances of a round."""
PROPOSALS = 10
PEACE_SECONDS = 900.0


@pytest.mark.parametrize("number", range(ROUNDS))
def test_disturbances_change_nothing(
    installation: Installation, machinery: Machinery, tmp_path: Path, number: int
) -> None:
    installation.wait_until_ready()
    study, orchestrators = _submitted(installation, number), Orchestrators(installation=installation)
    with _course(study, orchestrators, machinery) as course:
        for disturbance in plan_cluster_round(SEED, number, size=SIZE).disturbances:
            course.disturb(disturbance)
        course.wait_for_peace()
    LOG.info("%s", "\n".join(map(str, course.applied)))
    study.wait_until("it is over", lambda: study.state != StudyState.RUNNING, seconds=PEACE_SECONDS)
    study.wait_until_completed(seconds=1)
    installation.wait_until_ready()
    study.check_counts()
    assert study.drawn() == study.undisturbed(tmp_path)
    study.wait_until_cleared()
    left = f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{PREFIX}') AND rolcanlogin"
    study.wait_until("no login is left", lambda: not installation.rows(left), seconds=120)
    assert course.applied


@dataclass(frozen=True, slots=True)
class _Live:
    study: ClusterStudy

    def rows(self) -> int | None:
        """Of everything that its trials bring about."""
        columns = "(SELECT count(*) FROM attempt) + (SELECT count(*) FROM result) + (SELECT count(*) FROM evaluation)"
        try:
            (row,) = self.study.installation.rows(f"SELECT {columns} AS found")
        except KubectlError:
            return None
        return int(row["found"])

    def look_after(self) -> None:
        """The cluster does."""

    def is_over(self) -> bool:
        try:
            return self.study.state != StudyState.RUNNING
        except KubectlError:
            return False


@contextmanager
def _course(study: ClusterStudy, orchestrators: Orchestrators, machinery: Machinery) -> Iterator[Course]:
    """Whatever comes, the cluster is whole again afterwards."""
    course = Course(_Live(study), cluster_disturbers(study, orchestrators, machinery))
    try:
        yield course
    finally:
        course.undo()


def _submitted(installation: Installation, number: int) -> ClusterStudy:
    search = {"algorithm": "random", "proposals": PROPOSALS}
    name = f"chaos-{SEED}-{number}"
    made = small(installation, name, search=search, fidelities=(2,), parallelism=CLUSTER_PARALLELISM, nap=5)
    made.document["retries"] = {"infrastructure": 1000, "defect": 100, "pause": 0}
    made.submit()
    return made
