"""What a study lives through: the API server away, the database away. For the node without power see test_chaos.py."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster.installation import Installation
from tests.cluster.kubectl import PATIENCE_SECONDS, Kubectl
from tests.cluster.machinery import Machinery
from tests.cluster.orchestrators import Orchestrators
from tests.cluster.study import ClusterStudy, small

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
OUTAGE_SECONDS = 60
EPOCHS = 20
DATABASE = "statefulset/nago-postgres"


@pytest.fixture(scope="module")
def orchestrators(installation: Installation) -> Orchestrators:
    installation.wait_until_ready()
    return Orchestrators(installation=installation)


def _submitted(installation: Installation, name: str, *, epochs: int, nap: int) -> ClusterStudy:
    search = {"algorithm": "random", "proposals": 6}
    study = small(installation, name, search=search, fidelities=(epochs,), nap=nap)
    study.submit()
    return study


def _check(study: ClusterStudy, folder: Path) -> None:
    study.wait_until_completed()
    study.check_counts()
    assert study.drawn() == study.undisturbed(folder)
    study.wait_until_cleared()


def test_the_api_server_is_away_for_a_minute(
    orchestrators: Orchestrators, machinery: Machinery, tmp_path: Path
) -> None:
    study = _submitted(orchestrators.installation, "no-api", epochs=1, nap=15)
    study.wait_until_runs(at_least=study.parallelism)
    with machinery.without("kube-apiserver"):
        time.sleep(OUTAGE_SECONDS)
        back = datetime.now(UTC)
    kubectl = study.installation.kubectl
    study.wait_until("the API server answers", lambda: kubectl("get", "--raw", "/readyz"))
    _check(study, tmp_path)
    assert study.failures() == []
    ends = [datetime.fromisoformat(attempt["ended_at"]) for attempt in study.attempts()]
    assert min(ends) < back, "a result needs the database alone"


def test_the_database_is_away_for_a_minute(orchestrators: Orchestrators, machinery: Machinery, tmp_path: Path) -> None:
    kubectl, restarts = orchestrators.installation.kubectl, orchestrators.restarts()
    study = _submitted(orchestrators.installation, "no-database", epochs=EPOCHS, nap=0)
    study.wait_until("trials train", study.training)
    frozen = _freeze(study, machinery)  # so that none of them ends before the database is away
    with _without_database(kubectl):
        for container in frozen.values():
            machinery.signal_container(container, signal.SIGCONT)
        ended = _end_one_that_has_a_result(study, frozen, machinery)
    _check(study, tmp_path)
    assert study.failures() == []
    assert [attempt["number"] for attempt in study.attempts() if attempt["name"] == ended] == [1]
    assert orchestrators.restarts() == restarts


@contextmanager
def _without_database(kubectl: Kubectl) -> Iterator[None]:
    """For OUTAGE_SECONDS, or as long as the context is open."""
    kubectl("scale", DATABASE, "--replicas", "0")
    try:
        kubectl("wait", "pod/nago-postgres-0", "--for=delete", f"--timeout={PATIENCE_SECONDS}s")
        away = time.monotonic()
        yield
        time.sleep(max(0.0, OUTAGE_SECONDS - (time.monotonic() - away)))
    finally:
        kubectl("scale", DATABASE, "--replicas", "1")


def _freeze(study: ClusterStudy, machinery: Machinery) -> dict[str, str]:
    """The containers that run, by pod; they stand still now."""
    frozen: dict[str, str] = {}
    for pod in study.pods():
        if pod["status"]["phase"] == "Running":
            container = pod["status"]["containerStatuses"][0]["containerID"]
            with suppress(ProcessLookupError):  # it has ended since
                machinery.signal_container(container, signal.SIGSTOP)
                frozen[pod["metadata"]["name"]] = container
    assert frozen, "no trial runs any more"
    return frozen


def _end_one_that_has_a_result(study: ClusterStudy, containers: dict[str, str], machinery: Machinery) -> str:
    """The Job of one that has trained and finds no database; it leaves its termination message, and nothing else."""
    kubectl = study.installation.kubectl
    waiting: list[str] = []

    def find() -> list[str]:
        waiting.extend(pod for pod in containers if f"epoch {EPOCHS}:" in kubectl("logs", pod))
        return waiting

    study.wait_until("a trainer has a result and no database", find)
    machinery.signal_container(containers[waiting[0]], signal.SIGTERM)
    job = str(kubectl.get("pod", waiting[0])["metadata"]["labels"]["job-name"])
    kubectl.wait(f"job/{job}", "complete")
    return job
