"""The cluster that the tests use: that of KUBECONFIG, or one of their own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.images import Images, run_script
from tests.cluster.installation import Installation, installed
from tests.cluster.kubectl import Kubectl

GPUS = 4
"""That the tests' own node advertises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    kubectl: Kubectl
    folder: Path | None
    """Where the tests' own cluster has its state, logs and process ids; None for any other."""

    @contextmanager
    def installation(self, images: Images, overlay: Path) -> Iterator[Installation]:
        """NAGO, freshly installed in a namespace of its own; its migration may still run.

        `overlay`: an empty folder.
        """
        kubectl = Kubectl(kubeconfig=self.kubectl.kubeconfig, namespace=f"nago-test-{secrets.token_hex(3)}")
        volumes = None if self.folder is None else self.folder / "volumes"
        with installed(kubectl, images, overlay, volumes=volumes) as made:
            yield made


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """The cluster of KUBECONFIG, else one that is started, and stopped at the end."""
    folder = Path(os.environ.get("NAGO_CLUSTER_DIR", "/tmp/nago-cluster"))
    own = folder / "kubeconfig"
    given = os.environ.get("KUBECONFIG")
    if given:
        yield Cluster(kubectl=Kubectl(kubeconfig=Path(given)), folder=folder if Path(given) == own else None)
        return
    run_script("up.sh", "--gpus", str(GPUS), "--dir", str(folder))
    try:
        yield Cluster(kubectl=Kubectl(kubeconfig=own), folder=folder)
    finally:
        run_script("down.sh", "--dir", str(folder))
