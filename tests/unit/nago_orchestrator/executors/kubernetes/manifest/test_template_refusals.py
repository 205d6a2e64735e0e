"""What a pod template could do to others, to its node or to its trainer: each is refused, with its path."""

from __future__ import annotations

from typing import Any

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_trainer.contract.task import TrialTask
from tests.kubernetes_access import study_label
from tests.unit.nago_orchestrator.executors.kubernetes.manifest.test_template_check import (
    NAME,
    Patch,
    beside,
    doubts,
    other,
    pod,
    settings_with,
    sources,
    trainer,
    volume,
)

IDENTITY: list[tuple[Patch, str]] = [
    ({"metadata": {"labels": {"nago.dev/trial": "1"}}}, "metadata.labels[nago.dev/trial]"),
    ({"metadata": {"labels": {"nago.dev/other": "1"}}}, "metadata.labels[nago.dev/other]"),
    ({"metadata": {"labels": {"job-name": "x"}}}, "metadata.labels[job-name]"),
    ({"metadata": {"labels": {"batch.kubernetes.io/job-name": "x"}}}, "metadata.labels[batch.kubernetes.io/job-name]"),
    ({"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "x"}}}, "metadata.labels[kueue.x-k8s.io/queue-name]"),
    ({"metadata": {"labels": {"azure.workload.identity/use": "true"}}}, "metadata.labels[azure.workload.identity/use]"),
    ({"metadata": {"labels": None}}, "metadata.labels[app.kubernetes.io/name]"),
    ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}}, "metadata.labels[app.kubernetes.io/managed"),
    ({"metadata": {"name": "x"}}, "metadata.name"),
    ({"metadata": {"ownerReferences": []}}, "metadata.ownerReferences"),
    ({"metadata": {"finalizers": ["a.example/b"]}}, "metadata.finalizers"),
    *(
        ({"metadata": {"annotations": {name: "x"}}}, f"metadata.annotations[{name}]")
        for name in (
            "container.apparmor.security.beta.kubernetes.io/trainer",
            "sidecar.istio.io/userVolume",
            "sidecar.istio.io/proxyImage",
            "seccomp.security.alpha.kubernetes.io/pod",
            "k8s.v1.cni.cncf.io/networks",
            "cdi.k8s.io/gpu",
            "io.kubernetes.cri-o.Devices",
            "iam.amazonaws.com/role",
        )
    ),
    (pod(serviceAccountName="admin"), "spec.serviceAccountName"),
    (pod(serviceAccountName=None), "spec.serviceAccountName"),
    (pod(serviceAccount="nago-orchestrator"), "spec.serviceAccount "),
    (pod(automountServiceAccountToken=True), "spec.automountServiceAccountToken"),
    (pod(automountServiceAccountToken=None), "spec.automountServiceAccountToken"),
    (
        sources({"serviceAccountToken": {"path": "token"}}),
        "spec.volumes[more].projected.sources[0].serviceAccountToken",
    ),
    (sources({"podCertificate": {}}), "spec.volumes[more].projected.sources[0].podCertificate"),
]
NODE: list[tuple[Patch, str]] = [
    (pod(hostNetwork=True), "spec.hostNetwork"),
    (pod(hostPID=True), "spec.hostPID"),
    (pod(hostIPC=True), "spec.hostIPC"),
    (pod(shareProcessNamespace=True), "spec.shareProcessNamespace"),
    (pod(nodeName="a"), "spec.nodeName"),
    (pod(priority=2_000_000_000), "spec.priority"),
    (pod(priorityClassName="system-node-critical"), "spec.priorityClassName"),
    (pod(preemptionPolicy="Never"), "spec.preemptionPolicy"),
    (pod(os={"name": "windows"}), "spec.os.name must be linux"),
    (pod(dnsPolicy="ClusterFirstWithHostNet"), "spec.dnsPolicy"),
    (pod(securityContext=None), "spec.securityContext.runAsNonRoot"),
    (pod(securityContext={"runAsNonRoot": False}), "spec.securityContext.runAsNonRoot must be true"),
    (pod(securityContext={"runAsUser": 0}), "spec.securityContext.runAsUser must not be 0, which is root"),
    (pod(securityContext={"seccompProfile": {"type": "Unconfined"}}), "spec.securityContext.seccompProfile.type"),
    (pod(securityContext={"sysctls": [{"name": "a"}]}), "spec.securityContext.sysctls"),
    (pod(securityContext={"seLinuxOptions": {"type": "spc_t"}}), "spec.securityContext.seLinuxOptions.type"),
    (pod(securityContext={"seLinuxOptions": {"user": "system_u"}}), "spec.securityContext.seLinuxOptions.user"),
    (trainer(securityContext=None), "spec.containers[trainer].securityContext"),
    *(
        (trainer(securityContext=security), f"spec.containers[trainer].securityContext.{path}")
        for security, path in (
            ({"privileged": True}, "privileged"),
            ({"readOnlyRootFilesystem": False}, "readOnlyRootFilesystem"),
            ({"allowPrivilegeEscalation": True}, "allowPrivilegeEscalation"),
            ({"capabilities": {"add": ["SYS_ADMIN"]}}, "capabilities.add"),
            ({"capabilities": {"drop": []}}, "capabilities.drop"),
            ({"runAsNonRoot": False}, "runAsNonRoot"),
            ({"runAsUser": 0}, "runAsUser"),
            ({"procMount": "Unmasked"}, "procMount"),
            ({"seccompProfile": {"type": "Unconfined"}}, "seccompProfile.type must be RuntimeDefault or Localhost"),
            ({"appArmorProfile": {"type": "Unconfined"}}, "appArmorProfile.type"),
            ({"windowsOptions": {"hostProcess": True}}, "windowsOptions"),
            ({"seLinuxOptions": {"role": "system_r"}}, "seLinuxOptions.role"),
        )
    ),
    (trainer(ports=[{"containerPort": 80, "hostPort": 80}]), "spec.containers[trainer].ports[80].hostPort"),
    (trainer(livenessProbe={"httpGet": {"host": "10.0.0.1", "port": 1}}), "livenessProbe.httpGet.host"),
    (beside(lifecycle={"postStart": {"tcpSocket": {"host": "a", "port": 1}}}), "lifecycle.postStart.tcpSocket.host"),
    (beside(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]), "containers[other].env[NVIDIA_VISIBLE_DEVICES]"),
    (trainer(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]), "containers[trainer].env[NVIDIA_VISIBLE"),
    (pod(containers=[{"name": "other", "image": "x"}]), "spec.containers[other].securityContext.allowPrivilegeEscal"),
    (pod(initContainers=[{"name": "a"}]), "spec.initContainers[a].securityContext.allowPrivilegeEscalation must be"),
    (pod(initContainers=[other(securityContext={"privileged": True})]), "spec.initContainers[other].securityContext"),
    (pod(ephemeralContainers=[{"name": "debug"}]), "spec.ephemeralContainers"),
    (trainer(volumeDevices=[{"name": "more", "devicePath": "/dev/x"}]), "spec.containers[trainer].volumeDevices"),
    *(
        (volume(**{kind: {}}), f"spec.volumes[more].{kind} is a kind of volume")
        for kind in ("hostPath", "nfs", "iscsi", "flexVolume", "image", "gitRepo")
    ),
]
OTHERS: list[tuple[Patch, str]] = [
    *(
        (pod(affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}), path)
        for term, path in (
            ({"namespaces": ["kube-system"], "topologyKey": "zone"}, "Execution[0].namespaces"),
            ({"namespaceSelector": {}, "topologyKey": "zone"}, "Execution[0].namespaceSelector"),
        )
    ),
    *(
        (volume(ephemeral={"volumeClaimTemplate": {"spec": claim}}), path)
        for claim, path in (
            ({"volumeName": "pv-7"}, "volumeClaimTemplate.spec.volumeName"),
            (
                {"dataSource": {"kind": "PersistentVolumeClaim", "name": "theirs"}},
                "volumeClaimTemplate.spec.dataSource",
            ),
        )
    ),
    (beside(envFrom=[{"secretRef": {"name": "nago-database"}}]), "containers[other].envFrom[0].secretRef.name"),
    (volume(secret={"secretName": "nago-database"}), "spec.volumes[more].secret.secretName"),
    (
        volume(secret={"secretName": "nago"}),
        "spec.volumes[more].secret.secretName reads the Secret nago, which is NAGO's",
    ),
    (sources({"secret": {"name": "small-t00013-a1-0123456789"}}), "projected.sources[0].secret.name"),
    (
        trainer(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "nago-database", "key": "url"}}}]),
        "spec.containers[trainer].env[A].valueFrom.secretKeyRef.name",
    ),
    (volume(csi={"driver": "a", "nodePublishSecretRef": {"name": "nago-database"}}), "csi.nodePublishSecretRef.name"),
]
TRAINER: list[tuple[Patch, str]] = [
    (pod(restartPolicy="OnFailure"), "spec.restartPolicy"),
    (pod(activeDeadlineSeconds=1), "spec.activeDeadlineSeconds is set by execution.kubernetes.deadline"),
    (pod(terminationGracePeriodSeconds=0), "spec.terminationGracePeriodSeconds"),
    (pod(enableServiceLinks=True), "spec.enableServiceLinks"),
    (pod(enableServiceLinks=None), "spec.enableServiceLinks"),
    (pod(hostname="a"), "spec.hostname"),
    (pod(readinessGates=[{"conditionType": "a"}]), "spec.readinessGates"),
    (pod(schedulingGates=[{"name": "a"}]), "spec.schedulingGates"),
    (trainer(image="evil"), "spec.containers[trainer].image"),
    (trainer(command=["sh", "-c", "nago-train run"]), "spec.containers[trainer].command"),
    (trainer(args=["--help"]), "spec.containers[trainer].args"),
    (trainer(workingDir="/data"), "spec.containers[trainer].workingDir"),
    (trainer(terminationMessagePath="/x"), "spec.containers[trainer].terminationMessagePath"),
    (trainer(terminationMessagePolicy="File"), "spec.containers[trainer].terminationMessagePolicy"),
    (trainer(restartPolicy="Always"), "spec.containers[trainer].restartPolicy"),
    (beside(restartPolicyRules=[]), "spec.containers[other].restartPolicyRules"),
    (trainer(lifecycle={"preStop": {"sleep": {"seconds": 60}}}), "spec.containers[trainer].lifecycle"),
    (trainer(resources={"limits": {"memory": None}}), "spec.containers[trainer].resources.limits.memory"),
    (trainer(envFrom=[{"configMapRef": {"name": "a"}}]), "spec.containers[trainer].envFrom"),
    (trainer(env=[{"name": "NAGO_ATTEMPT", "$patch": "delete"}]), "spec.containers[trainer].env[NAGO_ATTEMPT]"),
    (trainer(env=None), "spec.containers[trainer].env[HOME]"),
    *(
        (trainer(env=[{"name": name, "value": "x"}]), f"spec.containers[trainer].env[{name}]")
        for name in (
            "NAGO_TOKEN",
            "NAGO_TERMINATION_LOG",
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "PYTHONPATH",
            "PATH",
            "HOME",
        )
    ),
    *((trainer(env=[{"name": name, "value": "x"}]), f"env[{name}]") for name in ("PGOPTIONS", "SSL_CERT_FILE")),
    *(
        (trainer(volumeMounts=[{"name": "more", "mountPath": place}]), f"volumeMounts[{place}]")
        for place in ("/opt/project", "/usr/lib", "/", "/tmp/", "/tmp/x", "/dev", "/data/x", "//data", "/mnt/../opt")
    ),
    (trainer(volumeMounts=[{"name": "more", "mountPath": "/tmp"}]), "volumeMounts[/tmp]"),
    (trainer(volumeMounts=[{"mountPath": "/dev/shm", "$patch": "delete"}]), "volumeMounts[/dev/shm]"),
    *(
        (trainer(volumeMounts=[{"name": "more", "mountPath": "/mnt/a", field: value}]), f"volumeMounts[/mnt/a].{field}")
        for field, value in (("subPath", "../x"), ("subPath", "/x"), ("mountPropagation", "Bidirectional"))
    ),
    (pod(volumes=[{"name": "tmp", "$patch": "delete"}]), "spec.volumes[tmp]"),
    (
        pod(volumes=[{"name": "tmp", "emptyDir": None, "persistentVolumeClaim": {"claimName": "a"}}]),
        "spec.volumes[tmp]",
    ),
    (pod(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "theirs"}}]), "spec.volumes[data]"),
]
REFUSED = [*IDENTITY, *NODE, *OTHERS, *TRAINER]


@pytest.mark.parametrize(
    ("patch", "path"), REFUSED, ids=[f"{number} {path}" for number, (_, path) in enumerate(REFUSED)]
)
def test_what_is_not_known_to_be_good_is_only_done_aloud(task: TrialTask, patch: Patch, path: str) -> None:
    with pytest.raises(SpecError, match="allow_unsafe_template: true") as refusal:
        doubts(task, patch)
    assert path in str(refusal.value)
    told = doubts(task, patch, allow_unsafe_template=True)
    assert any(path in doubt for doubt in told)
    allowed = settings_with(patch, allow_unsafe_template=True)
    merged: dict[str, Any] = build_job(NAME, task, study_label(), allowed)
    assert merged != build_job(NAME, task, study_label(), settings_with({}))
