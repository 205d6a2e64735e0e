"""The Job of one attempt, as the API server is to get it. Pure: the same attempt always gives the same Job.

The pod follows the restricted Pod Security Standard. It gets the attempt's name and trial, and by the attempt's Secret
its token and the database's address with its login; everything else about its task it reads from the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nago_orchestrator.domain.credentials import token_digest
from nago_orchestrator.executors.kubernetes.manifest.labels import (
    QUEUE,
    SECRET,
    TOKEN_DIGEST,
    StudyLabel,
    job_labels,
)
from nago_orchestrator.executors.kubernetes.manifest.objects import CONTAINER
from nago_orchestrator.executors.kubernetes.manifest.resources import GPU_CLAIM, trial_resources
from nago_orchestrator.executors.kubernetes.manifest.secret import ADDRESS_KEY, TOKEN_KEY, secret_name
from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount, KubernetesSettings
from nago_orchestrator.executors.kubernetes.manifest.template import merge_template, template_doubts
from nago_trainer.contract.attempt_files import (
    ATTEMPT_VARIABLE,
    CHECKPOINTS_VARIABLE,
    DATABASE_VARIABLE,
    SCRATCH_VARIABLE,
    TERMINATION_LOG,
    TOKEN_VARIABLE,
    TRIAL_VARIABLE,
)
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.task import TrialTask

USER = 10001
SIGTERM_CODE = 143
"""Of a trainer that SIGTERM ends before it can do so itself."""
GRACE_SECONDS = 60
"""Between SIGTERM and SIGKILL: enough for a trainer to put down what it has."""
STAY_ANNOTATIONS = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}


def build_job(name: str, task: TrialTask, study: StudyLabel, settings: KubernetesSettings) -> dict[str, Any]:
    """`name` is the attempt's. Raises SpecError if the study's pod template cannot be merged."""
    annotations = {TOKEN_DIGEST: token_digest(task.token), SECRET: secret_name(name, task.token)}
    return assemble_job(name, annotations, _template(name, task, study, settings), settings)


def assemble_job(
    name: str, annotations: Mapping[str, str], template: dict[str, Any], settings: KubernetesSettings
) -> dict[str, Any]:
    """Of a study, whatever its trainer does. `template`: as built; the study's own is merged into it here."""
    labels = template["metadata"]["labels"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": dict(labels) if settings.queue is None else {**labels, QUEUE: settings.queue},
            "annotations": dict(annotations),
        },
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "ttlSecondsAfterFinished": round(settings.ttl.total_seconds()),
            "podReplacementPolicy": "Failed",
            # With no retries left, the rules that fail it only make it say why, for when the pod is gone.
            "podFailurePolicy": {
                "rules": [
                    {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    *_suspension_rules(settings),
                    {
                        "action": "FailJob",
                        "onExitCodes": {"containerName": CONTAINER, "operator": "NotIn", "values": [0]},
                    },
                ]
            },
            "template": merge_template(template, settings),
        },
    }


def doubts_about(name: str, task: TrialTask, study: StudyLabel, settings: KubernetesSettings) -> tuple[str, ...]:
    """About the study's pod template, for who submits it; see `template_doubts`. Raises SpecError."""
    return template_doubts(_template(name, task, study, settings), settings)


def _template(name: str, task: TrialTask, study: StudyLabel, settings: KubernetesSettings) -> dict[str, Any]:
    resources = trial_resources(task, settings)
    container = trainer_container(["nago-train", "run"], _environment(name, task, settings), resources, settings)
    template = pod_template(job_labels(study, task), container, settings)
    if settings.gpu_claim is not None:
        template["spec"]["resourceClaims"] = [{"name": GPU_CLAIM, **settings.gpu_claim}]
    return template


def pod_template(
    labels: Mapping[str, str], container: Mapping[str, Any], settings: KubernetesSettings
) -> dict[str, Any]:
    """Without the study's own."""
    metadata = {"labels": dict(labels), "annotations": dict(STAY_ANNOTATIONS)}
    return {"metadata": metadata, "spec": _pod(container, settings)}


def _suspension_rules(settings: KubernetesSettings) -> list[dict[str, Any]]:
    """Kueue suspends a Job to pre-empt it: that ends its trainer by SIGTERM, and the Job is to go on afterwards."""
    if settings.queue is None:
        return []
    codes = {"containerName": CONTAINER, "operator": "In", "values": [int(ExitCode.PREEMPTED), SIGTERM_CODE]}
    return [{"action": "Ignore", "onExitCodes": codes}]


def _pod(container: Mapping[str, Any], settings: KubernetesSettings) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": round(settings.deadline.total_seconds()),  # the pod's: waiting for room is not counted
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": _volumes(settings),
    }
    optional = {
        "serviceAccountName": settings.service_account,
        "priorityClassName": settings.priority_class,
        "imagePullSecrets": [{"name": secret} for secret in settings.image_pull_secrets],
        "nodeSelector": dict(settings.node_selector),
        "tolerations": [dict(toleration) for toleration in settings.tolerations],
    }
    return pod | {key: value for key, value in optional.items() if value}


def trainer_container(
    command: Sequence[str],
    environment: Sequence[Mapping[str, Any]],
    resources: Mapping[str, Any],
    settings: KubernetesSettings,
) -> dict[str, Any]:
    return {
        "name": CONTAINER,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": [*command],
        "env": [
            *environment,
            *({"name": key, "value": value} for key, value in sorted(settings.environment.items())),
        ],
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePath": TERMINATION_LOG,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": _mounts(settings),
    }


def folder_variables(settings: KubernetesSettings) -> dict[str, str]:
    """Where a trainer may write. The root file system is read-only, and libraries put their caches into the home."""
    values = {SCRATCH_VARIABLE: "/tmp", "HOME": "/tmp"}
    if settings.checkpoints is not None:
        values[CHECKPOINTS_VARIABLE] = settings.checkpoints.mount_path
    return values


def _environment(name: str, task: TrialTask, settings: KubernetesSettings) -> list[dict[str, Any]]:
    values = {ATTEMPT_VARIABLE: name, TRIAL_VARIABLE: str(task.trial), **folder_variables(settings)}
    secret = secret_name(name, task.token)
    hidden = {TOKEN_VARIABLE: TOKEN_KEY, DATABASE_VARIABLE: ADDRESS_KEY}
    return [
        *({"name": key, "value": value} for key, value in values.items()),
        *(
            {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
            for variable, key in hidden.items()
        ),
    ]


def _volumes(settings: KubernetesSettings) -> list[dict[str, Any]]:
    return [
        {"name": "tmp", "emptyDir": {}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": settings.shared_memory}},
        *_claim_volume("data", settings.data, read_only=True),
        *_claim_volume("checkpoints", settings.checkpoints, read_only=False),
        *_claim_volume("prepared", settings.prepared, read_only=False),
    ]


def _claim_volume(name: str, mount: ClaimMount | None, *, read_only: bool) -> list[dict[str, Any]]:
    if mount is None:
        return []
    return [{"name": name, "persistentVolumeClaim": {"claimName": mount.claim, "readOnly": read_only}}]


def _mounts(settings: KubernetesSettings) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [{"name": "tmp", "mountPath": "/tmp"}, {"name": "shm", "mountPath": "/dev/shm"}]
    if settings.data is not None:
        sub_path = {"subPath": settings.data.sub_path} if settings.data.sub_path else {}
        mounts.append({"name": "data", "mountPath": settings.data.mount_path, "readOnly": True, **sub_path})
    for name, written in (("checkpoints", settings.checkpoints), ("prepared", settings.prepared)):
        if written is not None:
            mounts.append({"name": name, "mountPath": written.mount_path})
    return mounts
