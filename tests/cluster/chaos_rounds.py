"""The cluster's rounds for `make chaos CLUSTER=1`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.plan import plan_cluster_round
from tests.chaos.rounds import Ended
from tests.cluster.chaos_round import run_cluster_round
from tests.cluster.images import load_images
from tests.cluster.machinery import Machinery
from tests.cluster.running import GPUS, running_cluster


@contextmanager
def cluster_rounds(seed: int, folder: Path) -> Iterator[Callable[[int], Ended]]:
    """Runs the round of a number. All share one installation. Raises SystemExit on a cluster that must not break."""
    with running_cluster() as cluster:
        if cluster.folder is None:
            raise SystemExit("make chaos CLUSTER=1 breaks the cluster (KUBECONFIG): unset it, for one of its own")
        machinery = Machinery(folder=cluster.folder, gpus=GPUS)
        overlay = folder / "overlay"
        overlay.mkdir()
        with cluster.installation(load_images(cluster.folder), overlay) as installation:
            yield lambda number: run_cluster_round(
                plan_cluster_round(seed, number), seed, installation, machinery, folder / f"round-{number}"
            )
