"""A real cluster for the tests of this folder: one of their own, or that of KUBECONFIG."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.cluster.images import Images, given_images, load_images
from tests.cluster.installation import Installation
from tests.cluster.machinery import Machinery
from tests.cluster.running import GPUS, Cluster, running_cluster

NO_IMAGES = (
    "KUBECONFIG is that of a cluster into which no image can be loaded from here: push the two images to a registry "
    "that it reaches, and name them in NAGO_TEST_ORCHESTRATOR_IMAGE and NAGO_TEST_TRAINER_IMAGE"
)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as found:
        yield found


@pytest.fixture(scope="session")
def machinery(cluster: Cluster) -> Machinery:
    """For tests that break the cluster, which must be the tests' own."""
    if cluster.folder is None:
        pytest.skip("breaks the cluster: runs on the tests' own alone")
    return Machinery(folder=cluster.folder, gpus=GPUS)


@pytest.fixture(scope="session")
def images(cluster: Cluster) -> Images:
    given = given_images()
    if given is None and cluster.folder is None:
        pytest.fail(NO_IMAGES)
    return given or load_images(cluster.folder or Path())


@pytest.fixture(scope="session")
def installation(cluster: Cluster, images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """NAGO, freshly installed in a namespace of its own, for all tests; its migration may still run.

    A test leaves it as it was: working, with one orchestrator. Studies stay, under names that only their test knows.
    """
    with cluster.installation(images, tmp_path_factory.mktemp("overlay")) as made:
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure comes with what the cluster has to say: its namespace is gone afterwards."""
    report = yield
    made = getattr(item, "funcargs", {}).get("installation")
    if report.when == "call" and report.failed and isinstance(made, Installation):
        report.sections.append((f"namespace {made.namespace}", made.describe()))
    return report
