"""The Job of an attempt: as reviewed, the same every time, within the restricted Pod Security Standard."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from nago_orchestrator.domain.trial_design import attempt_name
from nago_orchestrator.errors import SpecError
from nago_orchestrator.executors.kubernetes.manifest.job import build_job, doubts_about
from nago_orchestrator.executors.kubernetes.manifest.labels import SECRET, StudyLabel
from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount
from nago_trainer.contract.task import TrialTask
from tests.kubernetes_access import kubernetes_settings, study_label

GOLDEN = Path(__file__).parents[5] / "golden" / "training_job.yaml"
EVERYTHING = kubernetes_settings(
    image="registry.example/nago-trainer@sha256:" + 64 * "0",
    image_pull_secrets=("registry",),
    gpu_resource="nvidia.com/mig-1g.10gb",
    cpu="4",
    shared_memory="2Gi",
    deadline=timedelta(hours=2),
    data=ClaimMount(claim="images", mount_path="/data", sub_path="cifar"),
    checkpoints=ClaimMount(claim="checkpoints", mount_path="/checkpoints"),
    node_selector={"gpu": "a100"},
    tolerations=({"key": "spot", "operator": "Exists"},),
    priority_class="batch-low",
    queue="gpu",
    service_account="nago-trainer",
    environment={"NCCL_DEBUG": "INFO"},
    pod_template={"spec": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["postgres"]}]}},
)


def built(task: TrialTask, **changes: Any) -> dict[str, Any]:
    return build_job(attempt_name("small", 12, 1), task, study_label(), kubernetes_settings(**changes))


def pod(job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = job["spec"]["template"]["spec"]
    return found


def container(job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = pod(job)["containers"][0]
    return found


def test_a_job_with_every_setting_is_the_one_that_was_reviewed(task: TrialTask) -> None:
    job = build_job(attempt_name("small", 12, 1), task, study_label(), EVERYTHING)
    text = yaml.safe_dump(job, sort_keys=True, width=120)
    if os.environ.get("NAGO_WRITE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize("version", ["1.35", "1.36", "1.37"])
def test_the_reviewed_job_fits_the_schemas_of_kubernetes(version: str) -> None:
    kubernetes_validate.validate(yaml.safe_load(GOLDEN.read_text()), version, strict=True)


def test_a_queue_may_suspend_the_job_without_failing_it(task: TrialTask) -> None:
    def ignored(job: dict[str, Any]) -> list[Any]:
        rules = job["spec"]["podFailurePolicy"]["rules"]
        return [rule["onExitCodes"]["values"] for rule in rules if rule["action"] == "Ignore"]

    assert (ignored(built(task)), ignored(built(task, queue="gpus"))) == ([], [[85, 143]])


def test_the_same_attempt_gives_the_same_job(task: TrialTask) -> None:
    assert json.dumps(built(task)) == json.dumps(built(TrialTask.from_json(task.to_json())))


def test_names_and_labels_are_within_kubernetes_limits(task: TrialTask) -> None:
    longest = 40 * "x"
    name = attempt_name(longest, 99_999, 9)
    job = build_job(
        name, replace(task, study=longest), StudyLabel(name=longest, key="0" * 16), kubernetes_settings(queue="gpu")
    )
    assert len(name) <= 52
    assert all(len(value) <= 63 for value in job["metadata"]["labels"].values())


def test_nothing_secret_is_in_the_job(task: TrialTask) -> None:
    """The token and the database's address come by the attempt's Secret."""
    job = built(task)
    assert task.token not in json.dumps(job)
    variables = {variable["name"]: variable for variable in container(job)["env"]}
    secret = job["metadata"]["annotations"][SECRET]
    for name, key in (("NAGO_TOKEN", "token"), ("NAGO_DATABASE_URL", "url")):
        assert variables[name] == {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_gpus_are_asked_for_by_name_and_count(task: TrialTask, count: int) -> None:
    limits = container(built(task, gpu_count=count))["resources"]["limits"]
    assert limits.get("nvidia.com/gpu") == (str(count) if count else None)


@pytest.mark.parametrize("version", ["1.35", "1.37"])
@pytest.mark.parametrize("source", ["resourceClaimTemplateName", "resourceClaimName"])
def test_a_claim_takes_the_place_of_the_resource(task: TrialTask, source: str, version: str) -> None:
    job = built(task, gpu_claim={source: "half-gpu"})
    assert pod(job)["resourceClaims"] == [{"name": "gpu", source: "half-gpu"}]
    resources = container(job)["resources"]
    assert resources["claims"] == [{"name": "gpu"}]
    assert all("/" not in name for kind in ("limits", "requests") for name in resources[kind])
    kubernetes_validate.validate(job, version, strict=True)


def test_memory_grows_with_the_network_and_the_batch_where_it_is_not_given(task: TrialTask) -> None:
    def requested(one: TrialTask) -> int:
        return int(container(built(one, gpu_count=0))["resources"]["requests"]["memory"].removesuffix("Mi"))

    larger = replace(task, training=replace(task.training, batch_size=4096))
    assert 1024 < requested(task) < requested(larger)
    assert container(built(task, memory="3Gi"))["resources"]["limits"]["memory"] == "3Gi"


def test_a_template_that_undoes_the_security_is_refused(task: TrialTask) -> None:
    unsafe = kubernetes_settings(pod_template={"spec": {"hostNetwork": True}})
    with pytest.raises(SpecError, match=r"spec\.hostNetwork .*pod_template\)"):
        doubts_about(attempt_name("small", 12, 1), task, study_label(), unsafe)


def test_a_plain_pod_has_nothing_that_was_not_asked_for(task: TrialTask) -> None:
    assert pod(built(task)).keys() == {
        "restartPolicy",
        "activeDeadlineSeconds",
        "terminationGracePeriodSeconds",
        "automountServiceAccountToken",
        "enableServiceLinks",
        "securityContext",
        "containers",
        "volumes",
    }


def test_prepared_images_have_a_volume_that_is_written(task: TrialTask) -> None:
    found = pod(built(task, prepared=ClaimMount(claim="fast", mount_path="/prepared")))
    assert {"name": "prepared", "persistentVolumeClaim": {"claimName": "fast", "readOnly": False}} in found["volumes"]
    assert {"name": "prepared", "mountPath": "/prepared"} in found["containers"][0]["volumeMounts"]
