"""One installation for all tests of this folder: what they disturb are trials, not the installation."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from nago_orchestrator.store.engine import connect
from tests.cluster.images import Images
from tests.cluster.installation import Installation, installed
from tests.cluster.kubectl import Kubectl
from tests.cluster.pods.site import Site
from tests.cluster.running import Cluster


@pytest.fixture(scope="package")
def installation(cluster: Cluster, images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    kubectl = Kubectl(kubeconfig=cluster.kubectl.kubeconfig, namespace=f"nago-test-{secrets.token_hex(3)}")
    volumes = None if cluster.folder is None else cluster.folder / "volumes"
    with installed(kubectl, images, tmp_path_factory.mktemp("overlay"), volumes=volumes) as made:
        made.wait_until_migrated()
        made.wait_until_ready()
        yield made


@pytest.fixture(scope="package")
def site(installation: Installation) -> Iterator[Site]:
    with installation.database() as address:
        engine = connect(address)
        yield Site(installation=installation, engine=engine)
        engine.dispose()
