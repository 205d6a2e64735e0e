"""What an administrator applies: k8s/ can be rendered, is valid for the newest Kubernetes, and asks for little."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate import utils

from nago_orchestrator.executors.kubernetes.manifest.job import USER
from nago_orchestrator.executors.kubernetes.preflight.rights import ROLE, Right
from nago_orchestrator.spec import StudySpec, parse_study_spec

Object = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "k8s"
OVERLAYS = ("try-out", "production")
WORKLOADS = ("Deployment", "Job", "StatefulSet")
CLUSTER_SCOPED = {"Namespace", "PriorityClass"}
POSTGRES_USER = 999


def _newest_versions(count: int) -> list[str]:
    numbers = {tuple(map(int, utils.major_minor(version).split("."))) for version in utils.all_versions()}
    return [".".join(map(str, number)) for number in sorted(numbers)[-count:]]


@cache
def _render(folder: Path) -> tuple[Object, ...]:
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def _overlay(name: str) -> tuple[Object, ...]:
    return _render(FOLDER / "overlays" / name)


def _changed(
    folder: Path, overlay: str, *, components: Sequence[str] = (), patches: Sequence[str] = ()
) -> tuple[Object, ...]:
    """An overlay as an administrator changes it: in a folder of their own, which refers to ours."""
    source = FOLDER / "overlays" / overlay
    for patch in patches:
        shutil.copy(source / patch, folder / patch)
    content = {
        "resources": [os.path.relpath(source, folder.resolve())],
        "components": [os.path.relpath(FOLDER / "components" / name, folder.resolve()) for name in components],
        "patches": [{"path": patch} for patch in patches],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return _render(folder)


def _secrets() -> dict[str, dict[str, str]]:
    """Those that an administrator makes before."""
    example = yaml.safe_load_all((FOLDER / "base/secrets.example.yaml").read_text())
    return {item["metadata"]["name"]: item["stringData"] for item in example}


def _only(objects: tuple[Object, ...], kind: str, name: str) -> Object:
    (found,) = (item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name))
    return found


def _study(objects: tuple[Object, ...]) -> StudySpec:
    """The study file that the installation brings along."""
    return parse_study_spec(_only(objects, "ConfigMap", "nago-studies")["data"]["digits.yaml"], "nago-studies")


def _pods(objects: tuple[Object, ...]) -> Iterator[tuple[str, Object]]:
    for item in objects:
        if item["kind"] in WORKLOADS:
            yield item["metadata"]["name"], item["spec"]["template"]["spec"]


def _containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


@pytest.mark.parametrize(
    "version",
    [
        *(pytest.param(version, marks=pytest.mark.slow) for version in _newest_versions(3)[:-1]),
        *_newest_versions(1),
    ],
)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_valid(overlay: str, version: str) -> None:
    for item in _overlay(overlay):
        assert utils.validate(item, version, strict=True) == version, item["metadata"]["name"]


def _empty_lists(value: Any, place: str) -> Iterator[str]:
    if value == []:
        yield place
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from _empty_lists(entry, f"{place}.{key}")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_list_is_empty(overlay: str) -> None:
    """The API server drops an empty list: every apply of the unchanged file would count as a change."""
    assert [place for item in _overlay(overlay) for place in _empty_lists(item, item["metadata"]["name"])] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_network_policy_without_rules_for_a_direction_closes_it(overlay: str) -> None:
    policies = {item["metadata"]["name"]: item["spec"] for item in _overlay(overlay) if item["kind"] == "NetworkPolicy"}
    for name in ("nago-trainer", "nago-migrate"):
        assert policies[name]["policyTypes"] == ["Ingress", "Egress"]
        assert "ingress" not in policies[name]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_restricted(overlay: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and a read-only root."""
    pods = dict(_pods(_overlay(overlay)))
    assert {"nago-orchestrator", "nago-migrate"} <= pods.keys()
    for name, pod in pods.items():
        context = pod["securityContext"]
        assert context["runAsNonRoot"]
        assert context["runAsUser"] == (POSTGRES_USER if name == "nago-postgres" else USER)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in _containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"emptyDir", "configMap", "secret", "persistentVolumeClaim"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_the_orchestrator_has_a_token(overlay: str) -> None:
    objects = _overlay(overlay)
    assert {name for name, pod in _pods(objects) if pod["automountServiceAccountToken"]} == {"nago-orchestrator"}
    accounts = [item for item in objects if item["kind"] == "ServiceAccount"]
    assert {account["automountServiceAccountToken"] for account in accounts} == {False}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_orchestrator_may_do_what_it_does_and_no_more(overlay: str) -> None:
    objects = _overlay(overlay)
    role = _only(objects, "Role", "nago-orchestrator")
    rights = {
        Right(group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert rights == set(ROLE)
    (subject,) = _only(objects, "RoleBinding", "nago-orchestrator")["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "nago-orchestrator", "namespace": "nago"}
    assert not {item["kind"] for item in objects} & {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}


def test_what_is_of_the_cluster_is_optional(tmp_path: Path) -> None:
    production = _overlay("production")
    assert not {item["kind"] for item in production} & CLUSTER_SCOPED
    assert {item["metadata"]["namespace"] for item in production} == {"nago"}
    whole = _changed(tmp_path, "production", components=["cluster-scoped"])
    assert {item["kind"] for item in whole} - {item["kind"] for item in production} == CLUSTER_SCOPED
    labels = _only(whole, "Namespace", "nago")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overlay", "patches", "gpus"), [("try-out", [], 0), ("try-out", ["gpu.yaml"], 1), ("production", [], 1)]
)
def test_the_study_that_comes_along(tmp_path: Path, overlay: str, patches: list[str], gpus: int) -> None:
    objects = _changed(tmp_path, overlay, patches=patches)
    section = _study(objects).execution.kubernetes
    assert section is not None
    assert section.gpu.count == gpus
    assert section.service_account in {item["metadata"]["name"] for item in objects if item["kind"] == "ServiceAccount"}
    claims = {item["metadata"]["name"] for item in objects if item["kind"] == "PersistentVolumeClaim"}
    assert section.checkpoints is None or section.checkpoints.claim in claims
    assert section.database_secret.key in _secrets()[section.database_secret.name]


def test_production_brings_no_secret_and_uses_those_of_the_example() -> None:
    objects = _overlay("production")
    assert not [item for item in objects if item["kind"] == "Secret"]
    for _, pod in _pods(objects):
        for container in _containers(pod):
            (address,) = (entry for entry in container["env"] if entry["name"] == "NAGO_DATABASE_URL")
            reference = address["valueFrom"]["secretKeyRef"]
            assert reference["key"] in _secrets()[reference["name"]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_has_its_network_policy(overlay: str) -> None:
    objects = _overlay(overlay)
    chosen = {
        item["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for item in objects
        if item["kind"] == "NetworkPolicy"
    }
    assert chosen == {*dict(_pods(objects)), "nago-trainer"}


def test_kubectl_is_told_which_container_is_meant() -> None:
    """Beside the init container, without which `kubectl exec` would have nothing to choose from."""
    for overlay in OVERLAYS:
        template = _only(_overlay(overlay), "Deployment", "nago-orchestrator")["spec"]["template"]
        meant = template["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"]
        assert meant in {container["name"] for container in template["spec"]["containers"]}


def test_images_are_built_by_options_that_podman_has_too() -> None:
    pages = (FOLDER.parent / "README.md", *sorted((FOLDER.parent / "docs").rglob("*.md")))
    commands = [line for page in pages for line in page.read_text().splitlines() if "docker build " in line]
    assert commands
    assert not any("--push" in command for command in commands)


def test_one_orchestrator_with_probes_and_metrics() -> None:
    spec = _only(_overlay("production"), "Deployment", "nago-orchestrator")["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert container["ports"] == [{"name": "metrics", "containerPort": 9464}]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
