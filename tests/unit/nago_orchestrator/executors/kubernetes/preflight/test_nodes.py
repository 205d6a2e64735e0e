"""Whether nodes offer the GPU, and how many trials they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nago_orchestrator.domain.findings import State
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import Refused
from nago_orchestrator.executors.kubernetes.preflight.nodes import node_findings
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds

MakePod = Callable[..., PodNeeds]
TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def node(gpus: int = 4, *, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    room = {"cpu": "16", "memory": "64Gi", "pods": "110", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    return {"metadata": {"name": "n", "labels": labels or {}}, "spec": spec, "status": {"allocatable": room}}


def states(nodes: Any, pod: PodNeeds, parallelism: int = 4, quotas: Any = ()) -> list[State]:
    return [finding.state for finding in node_findings(nodes, quotas, pod, parallelism)]


@pytest.mark.parametrize(
    ("nodes", "changes", "expected"),
    [
        ((node(),), {}, [State.OK, State.OK]),
        ((node(2), node(1)), {}, [State.OK, State.WARNING]),
        ((node(0),), {}, [State.PROBLEM, State.PROBLEM]),
        ((node(1), node(1)), {"gpu_count": 2}, [State.PROBLEM, State.PROBLEM]),
        ((node(),), {"gpu_count": 0}, [State.OK]),
        ((node(unschedulable=True),), {}, [State.PROBLEM, State.PROBLEM]),
        ((node(taints=[TAINT]),), {}, [State.PROBLEM, State.PROBLEM]),
        ((node(taints=[{**TAINT, "effect": "PreferNoSchedule"}]),), {}, [State.OK, State.OK]),
        ((node(taints=[TAINT]),), {"tolerations": ({"key": "gpu", "operator": "Exists"},)}, [State.OK, State.OK]),
        ((node(taints=[TAINT]),), {"tolerations": ({"operator": "Exists"},)}, [State.OK, State.OK]),
        ((node(taints=[TAINT]),), {"tolerations": ({"key": "gpu", "value": "yes"},)}, [State.OK, State.OK]),
        ((node(taints=[TAINT]),), {"tolerations": ({"key": "gpu", "value": "no"},)}, [State.PROBLEM, State.PROBLEM]),
        (
            (node(taints=[TAINT]),),
            {"tolerations": ({"operator": "Exists", "effect": "NoExecute"},)},
            [State.PROBLEM, State.PROBLEM],
        ),
        ((node(),), {"node_selector": {"gpu": "a100"}}, [State.PROBLEM, State.PROBLEM]),
        ((node(labels={"gpu": "a100"}),), {"node_selector": {"gpu": "a100"}}, [State.OK, State.OK]),
        ((node(),), {"memory": "128Gi"}, [State.OK, State.PROBLEM]),
        ((node(),), {"memory": "30Gi"}, [State.OK, State.WARNING]),
        ((), {}, [State.PROBLEM, State.PROBLEM]),
    ],
)
def test_a_trial_needs_a_node_that_has_it_all_and_lets_it_in(
    make_pod: MakePod, nodes: Any, changes: dict[str, Any], expected: list[State]
) -> None:
    assert states(nodes, make_pod(**changes)) == expected


def test_the_classes_that_are_offered_are_named(make_pod: MakePod) -> None:
    (finding, _) = node_findings((node(4),), (), make_pod(gpu_resource="nvidia.com/mig-1g.10gb"), 1)
    assert "offered are nvidia.com/gpu" in finding.detail


def test_nodes_that_may_not_be_read_give_no_verdict_but_the_quota_s_hint(make_pod: MakePod) -> None:
    quota = {"metadata": {"name": "team"}, "spec": {"hard": {"requests.nvidia.com/gpu": "4"}}}
    (finding,) = node_findings(Refused("may not"), (quota,), make_pod(), 1)
    assert finding.state is State.UNKNOWN
    assert "the quota team counts nvidia.com/gpu" in finding.detail
    assert states(Refused("may not"), make_pod(gpu_count=0), quotas=Refused("may not")) == [State.UNKNOWN]
