"""Whether nodes offer the GPU, and how many trials they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nago_orchestrator.domain.findings import State
from nago_orchestrator.executors.kubernetes.preflight.answers import Refused
from nago_orchestrator.executors.kubernetes.preflight.nodes import node_finding
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds

MakePod = Callable[..., PodNeeds]
TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def node(gpus: int = 4, *, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    room = {"cpu": "16", "memory": "64Gi", "pods": "110", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    return {"metadata": {"name": "n", "labels": labels or {}}, "spec": spec, "status": {"allocatable": room}}


@pytest.mark.parametrize(
    ("nodes", "changes", "expected"),
    [
        ((node(),), {}, State.OK),
        ((node(2), node(1)), {}, State.WARNING),
        ((node(0),), {}, State.PROBLEM),
        ((node(1), node(1)), {"gpu_count": 2}, State.PROBLEM),
        ((node(),), {"gpu_count": 0}, State.OK),
        ((node(unschedulable=True),), {}, State.PROBLEM),
        ((node(taints=[TAINT]),), {}, State.PROBLEM),
        ((node(taints=[{**TAINT, "effect": "PreferNoSchedule"}]),), {}, State.OK),
        ((node(taints=[TAINT]),), {"tolerations": ({"key": "gpu", "operator": "Exists"},)}, State.OK),
        ((node(taints=[TAINT]),), {"tolerations": ({"operator": "Exists"},)}, State.OK),
        ((node(taints=[TAINT]),), {"tolerations": ({"key": "gpu", "value": "yes"},)}, State.OK),
        ((node(taints=[TAINT]),), {"tolerations": ({"key": "gpu", "value": "no"},)}, State.PROBLEM),
        (
            (node(taints=[TAINT]),),
            {"tolerations": ({"operator": "Exists", "effect": "NoExecute"},)},
            State.PROBLEM,
        ),
        ((node(),), {"node_selector": {"gpu": "a100"}}, State.PROBLEM),
        ((node(labels={"gpu": "a100"}),), {"node_selector": {"gpu": "a100"}}, State.OK),
        ((node(),), {"memory": "128Gi"}, State.PROBLEM),
        ((node(),), {"memory": "30Gi"}, State.WARNING),
        ((), {}, State.PROBLEM),
    ],
)
def test_a_trial_needs_a_node_that_has_it_all_and_lets_it_in(
    make_pod: MakePod, nodes: Any, changes: dict[str, Any], expected: State
) -> None:
    assert node_finding(nodes, make_pod(**changes), 4).state is expected


def test_the_gpus_that_are_offered_are_named_where_none_is_the_wanted_one(make_pod: MakePod) -> None:
    finding = node_finding((node(4),), make_pod(gpu_resource="nvidia.com/mig-1g.10gb"), 1)
    assert "none offers nvidia.com/mig-1g.10gb, offered are nvidia.com/gpu" in finding.detail
    assert "offered" not in node_finding((node(4),), make_pod(memory="128Gi"), 1).detail


def test_how_many_fit_is_said(make_pod: MakePod) -> None:
    finding = node_finding((node(2), node(1)), make_pod(), 4)
    assert "at most 3 of the 4 parallel trials" in finding.detail
    assert "set execution.parallelism to 3" in str(finding.remedy)


def test_nodes_that_may_not_be_read_give_no_verdict(make_pod: MakePod) -> None:
    assert node_finding(Refused("may not"), make_pod(), 1).state is State.UNKNOWN
