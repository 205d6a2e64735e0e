from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from nago_orchestrator.executors.kubernetes.manifest.data_job import build_data_job
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount, KubernetesSettings
from nago_trainer.contract.data_check import DataQuestion
from nago_trainer.contract.task import DatasetSettings, TrialTask
from tests.kubernetes_access import kubernetes_settings, study_label
from tests.studies import RECIPE

FOLDER = replace(RECIPE.dataset, name="folder", path="/data/flowers")
SETTINGS = kubernetes_settings(
    gpu_count=2,
    queue="research",
    data=ClaimMount(claim="images", mount_path="/data", sub_path="a"),
    checkpoints=ClaimMount(claim="checkpoints", mount_path="/checkpoints"),
    prepared=ClaimMount(claim="prepared", mount_path="/prepared"),
    node_selector={"disk": "fast"},
    tolerations=({"key": "gpu", "operator": "Exists"},),
    image_pull_secrets=("registry",),
    service_account="trainer",
    pod_template={
        "spec": {
            "runtimeClassName": "gvisor",
            "containers": [
                {
                    "name": "trainer",
                    "command": ["sh", "-c", "exec nago-train run"],
                    "resources": {"limits": {"example.com/accelerator": 1}},
                    "env": [{"name": "LOCALE", "value": "C"}],
                },
                {"name": "sidecar", "image": "proxy", "command": ["proxy"]},
            ],
        }
    },
    allow_unsafe_template=True,
)


def _job(dataset: DatasetSettings = FOLDER, settings: KubernetesSettings = SETTINGS) -> dict[str, Any]:
    return build_data_job("small-data-1", dataset, study_label(), settings)


def _pod(job: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    return pod


def _variables(job: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in _pod(job)["containers"][0]["env"]}


def test_it_stands_where_a_trial_stands(task: TrialTask) -> None:
    trial = _pod(build_job("small-t00012-a1", task, study_label(), SETTINGS))
    check = _pod(_job())
    trainer, other = check["containers"][0], trial["containers"][0]
    assert {key: check[key] for key in check if key != "containers"} == {
        key: trial[key] for key in trial if key != "containers"
    }
    assert trainer["volumeMounts"] == other["volumeMounts"]
    assert trainer["securityContext"] == other["securityContext"]
    assert check["containers"][1] == trial["containers"][1]


def test_it_does_its_own_work_whatever_the_template_says_of_a_trial_s() -> None:
    (trainer, _) = _pod(_job())["containers"]
    assert trainer["command"] == ["nago-train", "check-data", "--job"]
    assert trainer["resources"] == {"requests": {"cpu": "1", "memory": "2048Mi"}, "limits": {"memory": "2048Mi"}}
    assert _variables(_job())["LOCALE"] == "C"
    assert "NAGO_DATABASE_URL" not in _variables(_job())


def test_it_waits_in_the_study_s_queue_and_is_found_by_its_labels() -> None:
    labels = _job()["metadata"]["labels"]
    assert labels["kueue.x-k8s.io/queue-name"] == "research"
    assert labels["nago.dev/data-check"] == "true"
    assert labels.items() >= {"nago.dev/study": "small", "nago.dev/study-key": study_label().key}.items()


@pytest.mark.parametrize("path", ["/data/$(HOME)", "/data/$$", "/data/ö \udcff"])
def test_its_question_arrives_as_it_was_asked(path: str) -> None:
    asked = _variables(_job(replace(FOLDER, path=path)))["NAGO_DATA_QUESTION"]
    expanded = asked.replace("$$", "$")  # as a kubelet does; there is nothing else to expand
    assert "$(" not in asked.replace("$$", "")
    assert DataQuestion.from_json(json.loads(expanded)).source.path == path


def test_what_was_found_is_kept_for_all_studies_on_the_same_images_alone() -> None:
    def kept(dataset: DatasetSettings, settings: KubernetesSettings) -> str:
        return str(json.loads(_variables(_job(dataset, settings))["NAGO_DATA_QUESTION"])["kept"])

    elsewhere = replace(SETTINGS, data=ClaimMount(claim="others", mount_path="/data"))
    assert kept(FOLDER, SETTINGS) == kept(replace(FOLDER, image_size=99, fingerprint="a" * 64), SETTINGS)
    assert len({kept(FOLDER, SETTINGS), kept(FOLDER, elsewhere), kept(replace(FOLDER, path="/x"), SETTINGS)}) == 3


def test_it_is_told_whether_what_was_kept_settles_a_doubt() -> None:
    doubted = build_data_job("small-data-2", FOLDER, study_label(), SETTINGS, anew=True)
    told = [json.loads(_variables(job)["NAGO_DATA_QUESTION"])["anew"] for job in (_job(), doubted)]
    assert told == [False, True]


def test_the_same_check_is_the_same_job_for_the_next_orchestrator() -> None:
    assert _job() == _job()
    assert _job() != _job(replace(FOLDER, fingerprint="a" * 64))
