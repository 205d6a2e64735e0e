"""How many trials a quota lets in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nago_orchestrator.domain.findings import Finding, State
from nago_orchestrator.executors.kubernetes.preflight.answers import Refused
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds
from nago_orchestrator.executors.kubernetes.preflight.quotas import quota_findings

MakePod = Callable[..., PodNeeds]
BY_CLASS = {"scopeName": "PriorityClass", "operator": "Exists"}


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "team"}, "spec": {"hard": hard, **spec}, "status": {"hard": hard, "used": used or {}}}


def verdict(pod: PodNeeds | None, found: dict[str, Any], parallelism: int = 4) -> Finding:
    (finding,) = quota_findings((found,), pod, parallelism)
    return finding


@pytest.mark.parametrize(
    ("hard", "used", "state", "words"),
    [
        ({"pods": "10"}, {"pods": "2"}, State.OK, "pods: 2 of 10 used"),
        ({"requests.nvidia.com/gpu": "8"}, {"requests.nvidia.com/gpu": "5"}, State.WARNING, "room for 3 of the 4"),
        ({"requests.nvidia.com/gpu": "2"}, {}, State.WARNING, "at most 2 of the 4"),
        ({"requests.nvidia.com/gpu": "0"}, {}, State.PROBLEM, "not one trial fits"),
        ({"requests.memory": "32Gi"}, {"requests.memory": "1Gi"}, State.WARNING, "room for 3 of the 4"),
        ({"requests.memory": "7Gi"}, {}, State.PROBLEM, "not one trial fits into requests.memory 7Gi"),
        ({"count/jobs.batch": "3"}, {}, State.WARNING, "at most 3 of the 4"),
        ({"requests.cpu": "4", "pods": "100"}, {}, State.OK, "requests.cpu: 0 of 4 used"),
        ({"limits.cpu": "100"}, {}, State.OK, "counts nothing that trials take"),  # the first pod is refused
        ({"limits.memory": "40Gi"}, {}, State.OK, "limits.memory"),
        ({"persistentvolumeclaims": "3"}, {}, State.OK, "counts nothing that trials take"),
        ({"pods": "nonsense"}, {}, State.OK, "counts nothing that trials take"),
    ],
)
def test_the_tightest_of_what_it_counts_decides(
    make_pod: MakePod, hard: dict[str, str], used: dict[str, str], state: State, words: str
) -> None:
    finding = verdict(make_pod(), quota(hard, used))
    assert (finding.state, finding.check) == (state, "quota team")
    assert words in finding.detail
    assert (finding.remedy is None) is (state is State.OK)


@pytest.mark.parametrize(
    ("spec", "counted"),
    [
        ({"scopes": ["BestEffort"]}, False),
        ({"scopes": ["NotTerminating"]}, False),
        ({"scopes": ["Terminating"]}, True),
        ({"scopeSelector": {"matchExpressions": [BY_CLASS]}}, True),
        ({"scopeSelector": {"matchExpressions": [{**BY_CLASS, "operator": "In", "values": ["high"]}]}}, False),
        ({"scopeSelector": {"matchExpressions": [{**BY_CLASS, "operator": "NotIn", "values": ["high"]}]}}, True),
    ],
)
def test_a_quota_of_other_pods_does_not_count(make_pod: MakePod, spec: dict[str, Any], counted: bool) -> None:
    finding = verdict(make_pod(priority_class="low"), quota({"pods": "0"}, **spec))
    assert finding.state is (State.PROBLEM if counted else State.OK)


def test_without_a_study_the_use_is_shown() -> None:
    assert verdict(None, quota({"pods": "10"}, {"pods": "3"})).detail == "pods 3 of 10"


def test_no_quota_is_well_and_none_that_may_be_read_is_unknown(make_pod: MakePod) -> None:
    assert next(quota_findings((), make_pod(), 1)).state is State.OK
    assert next(quota_findings(Refused("may not"), make_pod(), 1)).state is State.UNKNOWN
