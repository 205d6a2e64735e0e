"""The study's pod template: merged as Kubernetes merges, and refused where it undoes what must stand."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_orchestrator.executors.kubernetes.manifest.template import merge, merge_template
from nago_trainer.contract.task import TrialTask
from tests.kubernetes_access import kubernetes_settings, study_label


@pytest.fixture
def template(task: TrialTask) -> dict[str, Any]:
    job = build_job("small-t00012-a1", task, study_label(), kubernetes_settings(service_account="nago-trainer"))
    found: dict[str, Any] = job["spec"]["template"]
    return found


def container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "trainer", **fields}]}}


def safe(**fields: Any) -> dict[str, Any]:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {"name": "other", "image": "busybox", "securityContext": security, **fields}


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"args": [1, 2]}, {"args": [3]}, {"args": [3]}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        (
            {"env": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]},
            {"env": [{"name": "b", "value": "3"}, {"name": "c", "value": "4"}]},
            {"env": [{"name": "a", "value": "1"}, {"name": "b", "value": "3"}, {"name": "c", "value": "4"}]},
        ),
        (
            {"volumeMounts": [{"name": "a", "mountPath": "/a"}]},
            {"volumeMounts": [{"name": "b", "mountPath": "/a"}, {"name": "a", "mountPath": "/b"}]},
            {"volumeMounts": [{"name": "b", "mountPath": "/a"}, {"name": "a", "mountPath": "/b"}]},
        ),
        (
            {"volumes": [{"name": "a"}, {"name": "b"}]},
            {"volumes": [{"name": "a", "$patch": "delete"}]},
            {"volumes": [{"name": "b"}]},
        ),
        ({}, {"volumes": [{"name": "a", "emptyDir": {}}]}, {"volumes": [{"name": "a", "emptyDir": {}}]}),
    ],
)
def test_merging(before: dict[str, Any], patch: dict[str, Any], after: dict[str, Any]) -> None:
    untouched = copy.deepcopy(before)
    assert merge(before, patch, "") == after
    assert before == untouched


@pytest.mark.parametrize(
    ("patch", "sentence"),
    [
        ({"spec": {"containers": [{"image": "x"}]}}, r"spec\.containers\[0\] has no name"),
        ({"spec": {"containers": "trainer"}}, r"spec\.containers must be a list"),
        ({"spec": {"volumes": {"name": "a"}}}, r"spec\.volumes must be a list"),
        ({"spec": 5}, "spec must be a mapping"),
        ({"spec": {"$retainKeys": ["a"]}}, r"unknown directive spec\.\$retainKeys"),
    ],
)
def test_what_cannot_be_merged_is_said_with_its_path(
    template: dict[str, Any], patch: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpecError, match=sentence):
        merge_template(template, kubernetes_settings(pod_template=patch))


@pytest.mark.parametrize(
    "patch",
    [
        {"metadata": {"labels": {"team": "vision"}, "annotations": {"note": "x"}}},
        {"spec": {"affinity": {"nodeAffinity": {}}, "schedulerName": "volcano", "runtimeClassName": "nvidia"}},
        {"spec": {"volumes": [{"name": "nfs", "csi": {"driver": "nfs.csi.k8s.io"}}]}},
        {"spec": {"securityContext": {"runAsUser": 1234, "seccompProfile": {"type": "Localhost"}}}},
        {"spec": {"initContainers": [safe()]}},
        {"spec": {"containers": [safe(name="sidecar")]}},
        container(env=[{"name": "HF_HOME", "value": "/data"}], envFrom=[{"secretRef": {"name": "keys"}}]),
        container(resources={"limits": {"cpu": "4"}}, command=["sh", "-c", "nago-train run"]),
    ],
)
def test_what_is_harmless_may_be_set(template: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = merge_template(template, kubernetes_settings(pod_template=patch, service_account="nago-trainer"))
    assert merged != template


UNSAFE: list[tuple[dict[str, Any], str]] = [
    ({"metadata": {"labels": {"nago.dev/trial": "1"}}}, r"metadata.labels[nago.dev/trial]"),
    ({"metadata": {"labels": {"nago.dev/other": "1"}}}, r"metadata.labels[nago.dev/other]"),
    ({"metadata": {"labels": {"job-name": "x"}}}, r"metadata.labels[job-name]"),
    ({"metadata": {"labels": None}}, r"metadata.labels[app.kubernetes.io/name]"),
    ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}}, "metadata.labels[app.kubernetes.io/managed"),
    ({"spec": {"restartPolicy": "OnFailure"}}, "spec.restartPolicy"),
    ({"spec": {"serviceAccountName": "admin"}}, "spec.serviceAccountName"),
    ({"spec": {"automountServiceAccountToken": True}}, "spec.automountServiceAccountToken"),
    ({"spec": {"automountServiceAccountToken": None}}, "spec.automountServiceAccountToken"),
    ({"spec": {"hostNetwork": True}}, "spec.hostNetwork"),
    ({"spec": {"hostPID": True}}, "spec.hostPID"),
    ({"spec": {"hostIPC": True}}, "spec.hostIPC"),
    ({"spec": {"securityContext": None}}, "spec.securityContext.runAsNonRoot"),
    ({"spec": {"securityContext": {"runAsNonRoot": False}}}, "spec.securityContext.runAsNonRoot"),
    ({"spec": {"securityContext": {"runAsUser": 0}}}, "spec.securityContext.runAsUser"),
    ({"spec": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}}, "spec.securityContext.seccompProfile"),
    ({"spec": {"securityContext": {"sysctls": [{"name": "a"}]}}}, "spec.securityContext.sysctls"),
    ({"spec": {"containers": [{"name": "trainer", "$patch": "delete"}]}}, "spec.containers[trainer]"),
    (container(image="evil"), "spec.containers[trainer].image"),
    (container(terminationMessagePath="/x"), "spec.containers[trainer].terminationMessagePath"),
    (container(env=[{"name": "NAGO_TOKEN", "value": "x"}]), "spec.containers[trainer].env[NAGO_TOKEN]"),
    (container(env=[{"name": "NAGO_ATTEMPT", "$patch": "delete"}]), "spec.containers[trainer].env[NAGO_ATTEMPT]"),
    (container(env=None), "spec.containers[trainer].env[NAGO_ATTEMPT]"),
    (container(securityContext={"privileged": True}), "spec.containers[trainer].securityContext.privileged"),
    (container(securityContext={"readOnlyRootFilesystem": False}), "securityContext.readOnlyRootFilesystem"),
    (container(securityContext={"allowPrivilegeEscalation": True}), "securityContext.allowPrivilegeEscalation"),
    (container(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}), "securityContext.capabilities.add"),
    (container(securityContext={"capabilities": {"drop": []}}), "securityContext.capabilities.drop"),
    (container(securityContext={"runAsNonRoot": False}), "securityContext.runAsNonRoot"),
    (container(securityContext={"runAsUser": 0}), "securityContext.runAsUser"),
    (container(securityContext={"procMount": "Unmasked"}), "securityContext.procMount"),
    (container(securityContext={"seccompProfile": {"type": "Unconfined"}}), "securityContext.seccompProfile"),
    (container(securityContext={"appArmorProfile": {"type": "Unconfined"}}), "securityContext.appArmorProfile"),
    (container(securityContext={"windowsOptions": {"hostProcess": True}}), "securityContext.windowsOptions"),
    (container(ports=[{"containerPort": 80, "hostPort": 80}]), "spec.containers[trainer].ports"),
    ({"spec": {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}}, "spec.volumes[root].hostPath"),
    ({"spec": {"volumes": [{"name": "n", "nfs": {"server": "a"}}]}}, "spec.volumes[n].nfs"),
    (
        {"spec": {"volumes": [{"name": "t", "projected": {"sources": [{"serviceAccountToken": {}}]}}]}},
        "spec.volumes[t].projected",
    ),
    ({"spec": {"containers": [{"name": "other", "image": "x"}]}}, "spec.containers[other].securityContext"),
    ({"spec": {"initContainers": [safe(securityContext={"privileged": True})]}}, "spec.initContainers[other]"),
    ({"spec": {"ephemeralContainers": [{"name": "debug"}]}}, "spec.ephemeralContainers[debug]"),
    (container(securityContext=None), "spec.containers[trainer].securityContext"),
    ({"spec": None}, "spec."),
]


@pytest.mark.parametrize(("patch", "path"), UNSAFE, ids=[f"{number} {path}" for number, (_, path) in enumerate(UNSAFE)])
def test_what_identifies_or_secures_the_pod_may_only_be_undone_aloud(
    template: dict[str, Any], patch: dict[str, Any], path: str
) -> None:
    settings = kubernetes_settings(pod_template=patch, service_account="nago-trainer")
    with pytest.raises(SpecError, match="allow_unsafe_template: true") as refusal:
        merge_template(template, settings)
    assert path in str(refusal.value)
    allowed = kubernetes_settings(pod_template=patch, service_account="nago-trainer", allow_unsafe_template=True)
    assert merge_template(template, allowed) != template
