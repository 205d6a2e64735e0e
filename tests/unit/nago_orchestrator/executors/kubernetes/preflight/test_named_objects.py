"""Volumes, Secrets and other things of which the pod has the name alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nago_orchestrator.domain.findings import Finding, State
from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount
from nago_orchestrator.executors.kubernetes.preflight.answers import Refused
from nago_orchestrator.executors.kubernetes.preflight.named_objects import (
    KINDS,
    image_finding,
    image_path_finding,
    names_of,
    object_finding,
)
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds

MakePod = Callable[..., PodNeeds]
DIGEST = "sha256:" + "0f" * 32
NO = Refused("this user may not read secrets")
DATA, CHECKPOINTS = ClaimMount(claim="c", mount_path="/data"), ClaimMount(claim="c", mount_path="/checkpoints")


@pytest.mark.parametrize(
    ("image", "state"),
    [
        (f"registry.example.org/team/nago-trainer@{DIGEST}", State.OK),
        (f"localhost:5000/nago-trainer:1.0@{DIGEST}", State.OK),
        ("registry.example.org/nago-trainer:1.0", State.WARNING),
        ("nago-trainer", State.WARNING),
        (f"Registry/Trainer@{DIGEST}", State.PROBLEM),
        ("nago-trainer@sha256:abc", State.PROBLEM),
    ],
)
def test_an_image_is_best_named_by_its_digest(make_pod: MakePod, image: str, state: State) -> None:
    assert image_finding(make_pod(image=image)).state is state


def test_a_tag_may_be_stale_on_a_node(make_pod: MakePod) -> None:
    assert "an older image" in image_finding(make_pod(image="nago-trainer")).detail
    assert "an older" not in image_finding(make_pod(image="nago-trainer", image_pull_policy="Always")).detail


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
    finding = object_finding("Secret", "nago", secret, make_pod(), parallelism=4)
    assert (finding.check, finding.state) == ("Secret nago", state)
    assert "c2VjcmV0" not in str(finding), "what it holds is never said"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("found", "state"), [(None, State.PROBLEM), (NO, State.UNKNOWN)])
def test_what_cannot_be_seen_has_a_remedy(make_pod: MakePod, kind: str, found: Any, state: State) -> None:
    finding = object_finding(kind, "a", found, make_pod(), parallelism=4)
    assert (finding.check, finding.state) == (f"{kind} a", state)
    assert finding.remedy


@pytest.mark.parametrize(
    ("secret_type", "state"), [("kubernetes.io/dockerconfigjson", State.OK), ("Opaque", State.PROBLEM)]
)
def test_a_pull_secret_holds_a_password(make_pod: MakePod, secret_type: str, state: State) -> None:
    found = {"metadata": {}, "type": secret_type, "data": {}}
    assert object_finding("pull secret", "registry", found, make_pod(), parallelism=4).state is state


def test_what_exists_is_well(make_pod: MakePod) -> None:
    assert object_finding("service account", "a", {"metadata": {}}, make_pod(), parallelism=4).state is State.OK


def test_only_what_is_named_is_looked_for(make_pod: MakePod) -> None:
    assert names_of(make_pod()) == (("Secret", "nago"),)
    everything = make_pod(data=DATA, image_pull_secrets=("registry",), service_account="nago-trainer")
    assert names_of(everything) == (
        ("claim", "c"),
        ("Secret", "nago"),
        ("pull secret", "registry"),
        ("service account", "nago-trainer"),
    )


def claim(*modes: str, phase: str = "Bound") -> dict[str, Any]:
    return {"metadata": {"name": "c"}, "spec": {"accessModes": list(modes)}, "status": {"phase": phase}}


def claim_verdict(pod: PodNeeds, found: Any, parallelism: int = 4) -> Finding:
    return object_finding("claim", "c", found, pod, parallelism=parallelism)


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
    ],
)
def test_a_claim_must_be_there_for_all(make_pod: MakePod, found: Any, written: bool, state: State, words: str) -> None:
    finding = claim_verdict(make_pod(**({"checkpoints": CHECKPOINTS} if written else {"data": DATA})), found)
    assert finding.state is state
    assert words in finding.detail


def test_one_trial_may_have_it_alone(make_pod: MakePod) -> None:
    assert claim_verdict(make_pod(checkpoints=CHECKPOINTS), claim("ReadWriteOnce"), parallelism=1).state is State.OK


@pytest.mark.parametrize(
    ("path", "states"),
    [("/data/cifar", [State.OK]), ("/data", [State.OK]), ("/database", [State.WARNING]), (None, [])],
)
def test_images_lie_on_a_volume(make_pod: MakePod, path: str | None, states: list[State]) -> None:
    assert [finding.state for finding in image_path_finding(path, make_pod(data=DATA))] == states
