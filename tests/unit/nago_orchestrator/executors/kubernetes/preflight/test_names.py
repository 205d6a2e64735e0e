"""Image, Secrets and other things of which the pod knows the name alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nago_orchestrator.domain.findings import State
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import ClusterFacts, Refused
from nago_orchestrator.executors.kubernetes.preflight.names import image_finding, name_findings
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds

MakePod = Callable[..., PodNeeds]
DIGEST = "sha256:" + "0f" * 32
NO = Refused("this user may not read secrets")


@pytest.mark.parametrize(
    ("image", "state"),
    [
        (f"registry.example.org/team/nago-trainer@{DIGEST}", State.OK),
        (f"localhost:5000/nago-trainer:1.0@{DIGEST}", State.OK),
        ("registry.example.org/nago-trainer:1.0", State.WARNING),
        ("nago-trainer", State.WARNING),
        ("Nago Trainer", State.PROBLEM),
        ("registry.example.org/nago-trainer@sha256:12", State.PROBLEM),
        ("https://registry.example.org/nago-trainer", State.PROBLEM),
        ("registry.example.org/nago-trainer:", State.PROBLEM),
    ],
)
def test_an_image_is_best_named_by_its_digest(make_pod: MakePod, image: str, state: State) -> None:
    assert image_finding(make_pod(image=image)).state is state


def test_a_tag_may_be_stale_on_a_node(make_pod: MakePod) -> None:
    assert "an old latest" in image_finding(make_pod(image="nago-trainer")).detail
    assert "an old" not in image_finding(make_pod(image="nago-trainer", image_pull_policy="Always")).detail


def findings(pod: PodNeeds, **facts: Any) -> dict[str, State]:
    told = ClusterFacts(source="here", host="https://here", version="v1.34.0", namespace="research", **facts)
    return {finding.check: finding.state for finding in name_findings(told, pod)}


@pytest.mark.parametrize(
    ("secret", "state"),
    [
        ({"data": {"url": "c2VjcmV0"}}, State.OK),
        ({"data": {"address": "c2VjcmV0"}}, State.PROBLEM),
        ({}, State.PROBLEM),
        (None, State.PROBLEM),
        (NO, State.UNKNOWN),
    ],
)
def test_a_secret_has_the_key_that_trainers_read(make_pod: MakePod, secret: Any, state: State) -> None:
    assert findings(make_pod(), secrets={"nago": secret})["Secret nago"] is state


def test_what_a_secret_holds_is_never_said(make_pod: MakePod) -> None:
    told = ClusterFacts(
        source="here",
        host="https://here",
        version="v1.34.0",
        namespace="research",
        secrets={"nago": {"data": {"url": "aHVzaA=="}}},
    )
    assert "aHVzaA" not in str(list(name_findings(told, make_pod())))


@pytest.mark.parametrize(
    ("secret", "state"),
    [
        ({"type": "kubernetes.io/dockerconfigjson"}, State.OK),
        ({"type": "Opaque"}, State.PROBLEM),
        (None, State.PROBLEM),
        (NO, State.UNKNOWN),
    ],
)
def test_a_pull_secret_is_of_its_kind(make_pod: MakePod, secret: Any, state: State) -> None:
    pod = make_pod(image_pull_secrets=("registry",))
    assert findings(pod, secrets={"nago": NO, "registry": secret})["pull secret registry"] is state


@pytest.mark.parametrize(("found", "state"), [({"metadata": {}}, State.OK), (None, State.PROBLEM), (NO, State.UNKNOWN)])
def test_account_and_priority_class_exist(make_pod: MakePod, found: Any, state: State) -> None:
    pod = make_pod(service_account="nago-trainer", priority_class="low")
    seen = findings(pod, secrets={"nago": NO}, service_account=found, priority_class=found)
    assert seen["service account nago-trainer"] is seen["priority class low"] is state


def test_what_is_not_named_is_not_looked_for(make_pod: MakePod) -> None:
    assert set(findings(make_pod(), secrets={"nago": NO})) == {"image", "Secret nago"}
