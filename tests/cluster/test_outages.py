"""What a study lives through: the API server away, the database away, the node without power."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.cluster.installation import Installation
from tests.cluster.kubectl import Kubectl
from tests.cluster.machinery import Machinery
from tests.cluster.orchestrators import Orchestrators
from tests.cluster.study import ClusterStudy

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]
OUTAGE_SECONDS = 60
POWER_SECONDS = 10
DATABASE = "statefulset/nago-postgres"
LOST_WITH_THE_NODE = {"NodeLost", "NodeRefused", "PodLost", "NodeShutdown"}


@pytest.fixture(scope="module")
def orchestrators(installation: Installation) -> Orchestrators:
    installation.wait_until_ready()
    return Orchestrators(installation=installation)


def _submitted(installation: Installation, name: str, *, epochs: int, proposals: int = 6) -> ClusterStudy:
    search = {"algorithm": "random", "proposals": proposals}
    study = ClusterStudy(installation=installation, name=name, search=search, fidelities=(epochs,))
    study.submit()
    study.wait_until_trains(at_least=2)
    return study


def _check(study: ClusterStudy, folder: Path) -> None:
    study.wait_until_completed(seconds=300)
    study.check_counts()
    assert study.drawn() == study.undisturbed(folder)
    study.wait_until_cleared()


def test_the_api_server_is_away_for_a_minute(
    orchestrators: Orchestrators, machinery: Machinery, tmp_path: Path
) -> None:
    study = _submitted(orchestrators.installation, "no-api", epochs=20)
    with machinery.without("kube-apiserver"):
        time.sleep(OUTAGE_SECONDS)
    _wait_for_the_api(study)
    _check(study, tmp_path)
    assert study.failures() == []


def test_the_database_is_away_for_a_minute(orchestrators: Orchestrators, machinery: Machinery, tmp_path: Path) -> None:
    kubectl = orchestrators.installation.kubectl
    study = _submitted(orchestrators.installation, "no-database", epochs=15)
    kubectl("scale", DATABASE, "--replicas", "0")
    kubectl("wait", "pod/nago-postgres-0", "--for=delete", "--timeout=30s")
    away = time.monotonic()
    told = _end_a_trainer_that_waits(study, kubectl, machinery)
    time.sleep(max(0.0, OUTAGE_SECONDS - (time.monotonic() - away)))
    kubectl("scale", DATABASE, "--replicas", "1")
    _check(study, tmp_path)
    assert study.failures() == []
    assert [attempt["state"] for attempt in study.attempts() if attempt["name"] == told] == ["succeeded"]
    assert orchestrators.restarts() == 0


def _end_a_trainer_that_waits(study: ClusterStudy, kubectl: Kubectl, machinery: Machinery) -> str:
    """Asks one to end that has a result which nobody takes: its termination message is all that is left. Its Job."""
    waiting: list[str] = []

    def find() -> list[str]:
        waiting.extend(pod["metadata"]["name"] for pod in study.pods() if _has_ended_training(pod, kubectl))
        return waiting

    study.wait_until("a trainer has a result and no database", find, seconds=OUTAGE_SECONDS)
    pod = kubectl.get("pod", waiting[0])
    machinery.signal_container(pod["status"]["containerStatuses"][0]["containerID"], signal.SIGTERM)
    job = str(pod["metadata"]["labels"]["job-name"])
    kubectl.wait(f"job/{job}", "complete", seconds=30)
    return job


def _has_ended_training(pod: dict[str, object], kubectl: Kubectl) -> bool:
    metadata = pod["metadata"]
    assert isinstance(metadata, dict)
    log = kubectl("logs", metadata["name"])
    return "epoch 15:" in log and "the database is away" in log


def test_the_node_loses_its_power(orchestrators: Orchestrators, machinery: Machinery, tmp_path: Path) -> None:
    study = _submitted(orchestrators.installation, "no-power", epochs=30)
    with machinery.powered_off():
        time.sleep(POWER_SECONDS)
    _check(study, tmp_path)
    failures = study.failures()
    assert failures
    assert {kind for kind, _ in failures} == {"infrastructure"}
    assert {reason for _, reason in failures} <= LOST_WITH_THE_NODE, failures


def _wait_for_the_api(study: ClusterStudy) -> None:
    study.wait_until(
        "the API server answers", lambda: study.installation.kubectl("get", "--raw", "/readyz"), seconds=60
    )
