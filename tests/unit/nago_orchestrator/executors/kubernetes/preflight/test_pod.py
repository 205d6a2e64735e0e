"""What a Job's pod needs, pod template included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds, amounts


def test_what_is_no_quantity_is_left_to_the_api_server() -> None:
    assert amounts({"cpu": "many", "memory": "1Gi"}) == {"memory": 2**30}
    assert amounts(None) == {}


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
    assert pod.limits == {"memory": 9 * 2**30}, "what every container has a limit of"
    assert pod.claims == {"images": False, "kept": True}
    assert pod.secret_keys == {"nago": {"url"}, "other": {"key"}}
    assert pod.node_selector == {"gpu": "a100"}
    assert pod.image == "registry.example/nago-trainer:1"
    assert {"/data", "/checkpoints"} <= set(pod.mount_paths)
