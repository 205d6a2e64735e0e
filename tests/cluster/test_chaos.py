"""A round of disturbances of everything in the cluster, whose seed is fixed; `make chaos CLUSTER=1` runs more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.plan import plan_cluster_round
from tests.cluster.chaos_round import run_cluster_round
from tests.cluster.chaos_study import PREFIX
from tests.cluster.installation import Installation
from tests.cluster.machinery import Machinery

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600, func_only=True)]
SEED, SIZE = 20266634, 5
"""A pod is deleted, the node loses its power, a pod is cut off, connections are ended, etcd is away."""

LOST_WITH_THE_NODE = {"NodeLost", "NodeRefused", "PodLost", "NodeShutdown"}


def test_disturbances_change_nothing(installation: Installation, machinery: Machinery, tmp_path: Path) -> None:
    planned = plan_cluster_round(SEED, 0, size=SIZE)
    ended = run_cluster_round(planned, SEED, installation, machinery, tmp_path / "round")
    assert ended.applied
    assert ended.faults == (), "\n".join(map(str, ended.applied))
    of_the_cluster = f"failure = 'infrastructure' AND name LIKE '{PREFIX}-{SEED}-%'"
    reasons = {row["reason"] for row in installation.rows(f"SELECT reason FROM attempt WHERE {of_the_cluster}")}
    assert reasons & LOST_WITH_THE_NODE
    assert reasons <= LOST_WITH_THE_NODE | {"PodDeleted"}
