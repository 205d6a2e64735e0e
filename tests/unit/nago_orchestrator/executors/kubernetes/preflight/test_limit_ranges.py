"""What a LimitRange does to a trial's pod."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nago_orchestrator.domain.findings import State
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import Refused
from nago_orchestrator.executors.kubernetes.preflight.limit_ranges import default_limit, limit_range_findings
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds


def limits(**item: Any) -> tuple[dict[str, Any], ...]:
    return ({"metadata": {"name": "small"}, "spec": {"limits": [{"type": "Container", **item}]}},)


@pytest.mark.parametrize(
    ("item", "state", "words"),
    [
        ({"max": {"memory": "4Gi"}}, State.PROBLEM, "limited to more memory than its max 4Gi"),
        ({"max": {"memory": "64Gi"}}, State.OK, "lets a trial's pod be as it is"),
        ({"min": {"cpu": "2"}}, State.PROBLEM, "requests less cpu than its min 2"),
        ({"default": {"cpu": "500m"}}, State.PROBLEM, "requests more cpu than the limit that it would be given"),
        ({"default": {"cpu": "4"}}, State.WARNING, "limits trainer to 4 CPU"),
        ({"max": {"cpu": "8"}}, State.WARNING, "limits trainer to 8 CPU"),
        ({"maxLimitRequestRatio": {"memory": "1"}}, State.OK, "as it is"),
        ({"max": {"cpu": "8"}, "maxLimitRequestRatio": {"cpu": "2"}}, State.PROBLEM, "above 2 times its request"),
    ],
)
def test_what_it_refuses_and_what_it_gives(
    make_pod: Callable[..., PodNeeds], item: dict[str, Any], state: State, words: str
) -> None:
    findings = list(limit_range_findings(limits(**item), make_pod()))
    assert findings[0].state is state
    assert words in findings[0].detail


def test_of_other_things_than_containers_nothing_is_said(make_pod: Callable[..., PodNeeds]) -> None:
    found = ({"metadata": {"name": "c"}, "spec": {"limits": [{"type": "PersistentVolumeClaim", "max": {"cpu": "0"}}]}},)
    assert [finding.state for finding in limit_range_findings(found, make_pod())] == [State.OK]


def test_none_and_none_to_be_read() -> None:
    assert next(limit_range_findings((), None)).state is State.OK
    assert next(limit_range_findings(Refused("may not"), None)).state is State.UNKNOWN


def test_a_most_is_a_default_too() -> None:
    assert default_limit(limits(max={"cpu": "2"}), "cpu") == 2
    assert default_limit(limits(max={"cpu": "2"}, default={"cpu": "1"}), "cpu") == 1
    assert default_limit(limits(max={"cpu": "2"}), "memory") is None
    assert default_limit(Refused("may not"), "cpu") is None
