"""What a Job's pod needs, pod template included."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds, amount


@pytest.mark.parametrize(
    ("text", "value"),
    [("500m", 0.5), ("2", 2), (3, 3), ("1.5Gi", 1.5 * 2**30), ("1e3", 1000), ("100n", 1e-7), ("12E", 12e18)],
)
def test_quantities_in_all_their_forms(text: object, value: float) -> None:
    assert amount(text) == pytest.approx(value)


def test_what_is_no_quantity_is_no_number() -> None:
    assert math.isnan(amount("many"))


def test_needs_are_those_of_the_merged_template(make_pod: Callable[..., PodNeeds]) -> None:
    sidecar: dict[str, Any] = {
        "name": "exporter",
        "image": "exporter",
        "resources": {"limits": {"cpu": "250m", "memory": "1Gi"}},
        "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "other", "key": "key"}}}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = make_pod(
        data=ClaimMount(claim="images", mount_path="/data"),
        checkpoints=ClaimMount(claim="kept", mount_path="/checkpoints"),
        pod_template={"spec": {"containers": [sidecar], "nodeSelector": {"gpu": "a100"}}},
    )
    assert pod.requests == {"cpu": 1.25, "memory": 9 * 2**30, "nvidia.com/gpu": 1}
    assert pod.extended_resources == {"nvidia.com/gpu": 1}
    assert pod.claims == {"images": False, "kept": True}
    assert pod.secret_keys == {"nago": {"url"}, "other": {"key"}}
    assert pod.node_selector == {"gpu": "a100"}
    assert pod.image == "registry.example/nago-trainer:1"
    assert {"/data", "/checkpoints"} <= set(pod.mount_paths)
