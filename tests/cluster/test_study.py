"""A whole search in real containers, as a user runs it: submitted in the orchestrator's pod, left to `serve`."""

from __future__ import annotations

import json

import pytest

from nago_orchestrator.executors.kubernetes.manifest.labels import DATA_CHECK
from tests.cluster.documents import small_study
from tests.cluster.image_volume import CLASSES, OF_EACH, on_images, put_digits
from tests.cluster.installation import Installation
from tests.cluster.study import ClusterStudy

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
BOHB = {"algorithm": "bohb", "iterations": 3}
TRIALS = 13
"""Of three brackets over three fidelities: 7, 3 and 3."""


@pytest.fixture(scope="module")
def study(installation: Installation) -> ClusterStudy:
    """Completed."""
    installation.wait_until_ready()
    put_digits(installation)
    trainer, kubernetes = on_images()
    document = small_study(
        "whole",
        installation.images.trainer,
        search=BOHB,
        fidelities=(1, 2, 4),
        trainer=trainer,
        kubernetes=kubernetes,
    )
    found = ClusterStudy(installation=installation, document=document)
    said = found.submit()
    assert "is run by" in said, said
    found.wait_until("its Jobs ask for a GPU", lambda: _gpus(found))
    found.wait_until_completed()
    return found


def _gpus(study: ClusterStudy) -> list[str]:
    """Of the trials: the one that looks at the images needs none."""
    jobs = [job for job in study.jobs() if DATA_CHECK not in job["metadata"]["labels"]]
    containers = [job["spec"]["template"]["spec"]["containers"][0]["resources"] for job in jobs]
    assert all(found["limits"]["nvidia.com/gpu"] == "1" == found["requests"]["nvidia.com/gpu"] for found in containers)
    return [job["metadata"]["name"] for job in jobs]


def test_a_job_looked_at_the_images_before_the_first_trial(study: ClusterStudy) -> None:
    (check,) = study.rows("data_check.*", "JOIN data_check ON data_check.study_id = study.id")
    assert (check["state"], check["number"], check["reason"]) == ("succeeded", 1, None)
    assert check["ended_at"] <= min(attempt["created_at"] for attempt in study.attempts())
    status = json.loads(study.installation.orchestrator("status", study.name, "-o", "json"))
    dataset = status["dataset"]
    assert (dataset["images"] + dataset["test"], dataset["classes"]) == (OF_EACH * CLASSES, CLASSES)
    assert status["dataset"]["left_out"] == {"file outside the folders of the classes": 1}
    assert len(status["fingerprint"]) == 64
    assert status["data_check"] is None


def test_every_trial_is_counted_once(study: ClusterStudy) -> None:
    study.check_counts()
    assert len(study.trials()) == TRIALS
    assert study.failures() == []
    assert {(attempt["number"], attempt["gpus"], attempt["executor"]) for attempt in study.attempts()} == {
        (1, 1, "kubernetes")
    }


def test_trials_ran_side_by_side(study: ClusterStudy) -> None:
    spans = [(attempt["started_at"], attempt["ended_at"]) for attempt in study.attempts()]
    at_once = [sum(start <= moment < end for start, end in spans) for moment, _ in spans]
    assert 2 <= max(at_once) <= study.parallelism


def test_nothing_is_left_behind(study: ClusterStudy) -> None:
    study.wait_until_cleared()


def test_the_pod_answers_questions_about_it(study: ClusterStudy) -> None:
    ask = study.installation.orchestrator
    best = json.loads(ask("best", study.name, "-o", "json"))
    assert best["theta"]["top_nodes"] in (3, 4, 5)
    assert best["objective_values"]["accuracy"] > 0.2
    front = json.loads(ask("pareto", study.name, "-o", "json"))["points"]
    assert best["proposal"] in [row["proposal"] for row in front]
    page = ask("report", study.name, "-O", "-")
    assert "</html>" in page
    assert study.name in page
