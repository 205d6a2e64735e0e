"""Whether the volumes are there for all parallel trials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nago_orchestrator.domain.findings import Finding, State
from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount
from nago_orchestrator.executors.kubernetes.preflight.claims import claim_findings, image_path_finding
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import Refused
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds

MakePod = Callable[..., PodNeeds]
DATA, CHECKPOINTS = ClaimMount(claim="c", mount_path="/data"), ClaimMount(claim="c", mount_path="/checkpoints")
NODES = tuple({"metadata": {"name": name}, "status": {"allocatable": {}}} for name in "ab")


def claim(*modes: str, phase: str = "Bound") -> dict[str, Any]:
    return {"metadata": {"name": "c"}, "spec": {"accessModes": list(modes)}, "status": {"phase": phase}}


def verdict(pod: PodNeeds, found: Any, parallelism: int = 4, nodes: Any = NODES) -> Finding:
    (finding,) = claim_findings({"c": found}, nodes, pod, parallelism)
    return finding


@pytest.mark.parametrize(
    ("found", "written", "state", "words"),
    [
        (claim("ReadWriteMany"), True, State.OK, "Bound, ReadWriteMany"),
        (claim("ReadOnlyMany"), False, State.OK, "ReadOnlyMany"),
        (claim("ReadOnlyMany"), True, State.PROBLEM, "trials write to it"),
        (claim("ReadWriteOnce"), True, State.WARNING, "must run on the node that has the volume"),
        (claim("ReadWriteOnce"), False, State.WARNING, "must run on the node"),
        (claim("ReadWriteOncePod"), False, State.PROBLEM, "one of the 4 parallel trials"),
        (claim("ReadWriteMany", phase="Pending"), True, State.WARNING, "is Pending"),
        (claim("ReadWriteMany", phase="Lost"), True, State.PROBLEM, "its volume is gone"),
        (None, True, State.PROBLEM, "no such persistent volume claim"),
        (Refused("may not"), True, State.UNKNOWN, "may not"),
    ],
)
def test_it_must_be_there_and_for_all(make_pod: MakePod, found: Any, written: bool, state: State, words: str) -> None:
    pod = make_pod(**({"checkpoints": CHECKPOINTS} if written else {"data": DATA}))
    finding = verdict(pod, found)
    assert finding.state is state
    assert words in finding.detail


@pytest.mark.parametrize(("parallelism", "nodes"), [(1, NODES), (4, NODES[:1])])
def test_one_trial_or_one_node_may_have_it_once(make_pod: MakePod, parallelism: int, nodes: Any) -> None:
    pod = make_pod(checkpoints=CHECKPOINTS)
    assert verdict(pod, claim("ReadWriteOnce"), parallelism, nodes).state is State.OK


def test_nodes_that_may_not_be_read_may_be_many(make_pod: MakePod) -> None:
    pod = make_pod(checkpoints=CHECKPOINTS)
    assert verdict(pod, claim("ReadWriteOnce"), nodes=Refused("may not")).state is State.WARNING


@pytest.mark.parametrize(
    ("path", "states"),
    [("/data/cifar", [State.OK]), ("/data", [State.OK]), ("/database", [State.WARNING]), (None, [])],
)
def test_images_lie_on_a_volume(make_pod: MakePod, path: str | None, states: list[State]) -> None:
    assert [finding.state for finding in image_path_finding(path, make_pod(data=DATA))] == states
