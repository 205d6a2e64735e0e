"""What a study's pod template may set: what is known to be good, and nothing else unless the study says so aloud."""

from __future__ import annotations

from typing import Any

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.executors.kubernetes.manifest.job import build_job, doubts_about
from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount, KubernetesSettings
from nago_trainer.contract.task import TrialTask
from tests.kubernetes_access import kubernetes_settings, study_label

Patch = dict[str, Any]
NAME = "small-t00012-a1"
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
SELECTOR = {"matchLabels": {"team": "vision"}}
APART = {"labelSelector": SELECTOR, "topologyKey": "kubernetes.io/hostname"}


def settings_with(patch: Patch, **changes: Any) -> KubernetesSettings:
    return kubernetes_settings(
        pod_template=patch,
        service_account="nago-trainer",
        data=ClaimMount(claim="images", mount_path="/data"),
        environment={"NCCL_DEBUG": "INFO"},
        **changes,
    )


def doubts(task: TrialTask, patch: Patch, **changes: Any) -> tuple[str, ...]:
    return doubts_about(NAME, task, study_label(), settings_with(patch, **changes))


def pod(**fields: Any) -> Patch:
    return {"spec": fields}


def trainer(**fields: Any) -> Patch:
    return pod(containers=[{"name": "trainer", **fields}])


def other(**fields: Any) -> dict[str, Any]:
    return {"name": "other", "image": "busybox", "securityContext": RESTRICTED, **fields}


def beside(**fields: Any) -> Patch:
    return pod(containers=[other(**fields)])


def volume(**fields: Any) -> Patch:
    return pod(volumes=[{"name": "more", **fields}])


def sources(*found: Any) -> Patch:
    return volume(projected={"sources": list(found)})


GOOD: list[Patch] = [
    {"metadata": {"labels": {"team": "vision", "example.org/cost-centre": "7"}, "annotations": {"note": "x"}}},
    {"metadata": {"labels": {"app.kubernetes.io/version": "1"}}},
    {"metadata": {"annotations": {"prometheus.io/scrape": "false", "sidecar.istio.io/inject": "false"}}},
    pod(nodeSelector={"gpu": "a100"}, tolerations=[{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}]),
    pod(schedulerName="volcano", runtimeClassName="nvidia", priorityClassName="batch-low"),
    pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}),
    pod(affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [APART]}}),
    pod(topologySpreadConstraints=[{"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}]),
    pod(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["postgres"]}], dnsConfig={"options": [{"name": "ndots"}]}),
    pod(imagePullSecrets=[{"name": "registry"}], terminationGracePeriodSeconds=120, hostNetwork=False),
    pod(securityContext={"runAsUser": 1234, "fsGroup": 5, "supplementalGroups": [7]}),
    pod(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "own.json"}}),
    pod(resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "one-gpu"}]),
    pod(tolerations=None, nodeSelector={"a": None}, volumes=[{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]),
    volume(csi={"driver": "nfs.csi.k8s.io", "volumeAttributes": {"share": "a"}}),
    volume(ephemeral={"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast"}}}),
    volume(secret={"secretName": "keys", "items": [{"key": "a", "path": "a/b"}]}),
    volume(configMap={"name": "settings", "defaultMode": 292}),
    volume(persistentVolumeClaim={"claimName": "scratch"}),
    sources({"configMap": {"name": "settings"}}, {"secret": {"name": "keys"}}, {"downwardAPI": {"items": []}}),
    trainer(env=[{"name": "HF_HOME", "value": "/mnt/models"}, {"name": "NAGO_CHECKPOINT_SECONDS", "value": "5"}]),
    trainer(env=[{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "a"}}}]),
    trainer(env=[{"name": "NCCL_DEBUG", "value": "WARN"}, {"name": "OMP_NUM_THREADS", "value": "2"}]),
    trainer(resources={"limits": {"cpu": "500m", "rdma/hca": 1}, "claims": [{"name": "gpu"}]}),
    trainer(volumeMounts=[{"name": "more", "mountPath": "/mnt/models", "readOnly": True, "subPath": "a/b"}]),
    trainer(livenessProbe={"exec": {"command": ["true"]}, "periodSeconds": 60}, imagePullPolicy="Always"),
    trainer(ports=[{"containerPort": 29500, "name": "nccl"}]),
    trainer(securityContext={"appArmorProfile": {"type": "RuntimeDefault"}, "runAsUser": 1000}),
    beside(command=["sleep", "9"], args=["a"], envFrom=[{"secretRef": {"name": "keys"}}], workingDir="/"),
    beside(lifecycle={"preStop": {"sleep": {"seconds": 5}}}, readinessProbe={"httpGet": {"path": "/", "port": 8080}}),
    beside(env=[{"name": "PYTHONPATH", "value": "/a"}], volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}]),
    pod(initContainers=[other(restartPolicy="Always"), other(name="first", command=["true"])]),
]


@pytest.mark.parametrize("patch", GOOD, ids=range(len(GOOD)))
def test_what_is_known_to_be_good_passes(task: TrialTask, patch: Patch) -> None:
    assert doubts(task, patch) == ()
    merged = build_job(NAME, task, study_label(), settings_with(patch))
    assert merged != build_job(NAME, task, study_label(), settings_with({}))


MALFORMED: list[tuple[Patch, str]] = [
    (sources(1), "spec.volumes[more].projected.sources[0] must be a mapping of keys"),
    (volume(projected={"sources": {}}), "spec.volumes[more].projected.sources must be a list"),
    (trainer(args=[1]), "spec.containers[trainer].args must be a list of texts"),
    (volume(projected=5), "spec.volumes[more].projected must be a mapping"),
    (volume(secret={}), "spec.volumes[more].secret has no secretName"),
    (volume(persistentVolumeClaim={"claimName": ["a"]}), "persistentVolumeClaim.claimName must be a text"),
    (pod(nodeSelector={"gpu": 5}), "spec.nodeSelector must be a mapping of names to texts"),
    (pod(tolerations=["spot"]), "spec.tolerations[0] must be a mapping of keys"),
    (pod(serviceAccountName=["a"]), "spec.serviceAccountName must be a text"),
    (pod(hostNetwork="yes"), "spec.hostNetwork must be true or false"),
    (pod(activeDeadlineSeconds=True), "spec.activeDeadlineSeconds must be an integer"),
    ({"metadata": {"labels": {"a": 1}}}, "metadata.labels must be a mapping of names to texts"),
    (trainer(command="nago-train"), "spec.containers[trainer].command must be a list"),
    (trainer(resources={"limits": {"cpu": True}}), "resources.limits must be a mapping of names to quantities"),
    (trainer(securityContext={"capabilities": {"add": [1]}}), "capabilities.add must be a list of texts"),
    (trainer(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a"}}}]), "secretKeyRef has no key"),
    (pod(containers=[{"$patch": "delete", "name": "trainer"}]), "spec.containers[trainer] is the trainer"),
    (pod(containers=None), "spec.containers[trainer] is the trainer"),
    ({"spec": None}, "spec.containers[trainer] is the trainer"),
    ({"spec": {"$patch": "replace", "containers": [{"image": "a"}]}}, "spec.containers[0] has no name"),
    ({"spec": {"$patch": "replace", "volumes": ["a"]}}, "spec.volumes[0] has no name"),
]


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize(("patch", "sentence"), MALFORMED, ids=[sentence for _, sentence in MALFORMED])
def test_what_means_nothing_is_never_allowed(task: TrialTask, patch: Patch, sentence: str, allowed: bool) -> None:
    with pytest.raises(SpecError) as refusal:
        doubts(task, patch, allow_unsafe_template=allowed)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("patch", "path", "meant"),
    [
        (pod(nodeSelectr={"gpu": "a"}), "spec.nodeSelectr", "nodeSelector"),
        (trainer(volumeMount=[]), "spec.containers[trainer].volumeMount", "volumeMounts"),
        (pod(tolerations=[{"keys": "a"}]), "spec.tolerations[0].keys", "key"),
        (trainer(resources={"limit": {}}), "spec.containers[trainer].resources.limit", "limits"),
        ({"metadata": {"label": {}}}, "metadata.label", "labels"),
        (volume(emptydir={}), "spec.volumes[more].emptydir", "emptyDir"),
        (pod(backoffLimit=5), "spec.backoffLimit", None),
        (pod(fieldOfTomorrow=1), "spec.fieldOfTomorrow", None),
    ],
)
def test_a_field_that_is_not_known_is_named(task: TrialTask, patch: Patch, path: str, meant: str | None) -> None:
    with pytest.raises(SpecError) as refusal:
        doubts(task, patch)
    assert str(refusal.value).startswith(f"{path} is not a known field of a pod template")
    assert (f"did you mean {meant}?" in str(refusal.value)) is (meant is not None)
    assert doubts(task, patch, allow_unsafe_template=True) == (f"{path} is not a known field of a pod template",)


def test_all_that_is_not_known_to_be_good_is_told_where_it_is_allowed(task: TrialTask) -> None:
    patch = {
        "spec": {"hostNetwork": True, "serviceAccount": "admin", "containers": [{"name": "trainer", "image": "x"}]}
    }
    assert doubts(task, patch, allow_unsafe_template=True) == (
        "spec.containers[trainer].image is set by execution.kubernetes.image and must not change",
        "spec.hostNetwork gives the pod access to its node",
        "spec.serviceAccount is set by execution.kubernetes.service_account",
    )


def test_a_study_that_is_stored_goes_on_with_the_template_that_it_began_with(task: TrialTask) -> None:
    job = build_job(NAME, task, study_label(), settings_with(trainer(command=["sh", "-c", "nago-train run"])))
    assert job["spec"]["template"]["spec"]["containers"][0]["command"][0] == "sh"
