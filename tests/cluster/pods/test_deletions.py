"""What is taken from trials in mid-training: each begins a new attempt, which goes on from where the last one was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Row

from nago_orchestrator.domain.states import AttemptState, Failure, StudyState
from tests.cluster.pods.site import SLOWLY, Site

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
NAME = "disturbed"
EPOCHS = 150
SEEN_EPOCHS = 5
KEPT = {
    "checkpoints": {"claim": "nago-checkpoints"},
    "environment": {"NAGO_CHECKPOINT_SECONDS": "1"},
    # The limit is for the node to evict a pod that writes more.
    "pod_template": {"spec": {"containers": [SLOWLY], "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]}},
}


def _pod_name(site: Site, job: str) -> str:
    (pod,) = site.pods_of(job)
    return str(pod["metadata"]["name"])


def evict(site: Site, job: str) -> None:
    kubectl, pod = site.installation.kubectl, _pod_name(site, job)
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}/eviction"
    version = "policy/v1" if "policy/v1\n" in kubectl("api-versions") else "policy/v1beta1"
    eviction = {"apiVersion": version, "kind": "Eviction", "metadata": {"name": pod, "namespace": kubectl.namespace}}
    kubectl("create", "--raw", path, "--filename", "-", given=json.dumps(eviction))


def delete_pod(site: Site, job: str) -> None:
    site.installation.kubectl("delete", "pod", _pod_name(site, job), "--wait=false")


def delete_job(site: Site, job: str) -> None:
    site.installation.kubectl("delete", "job", job, "--wait=false")


def fill_its_volume(site: Site, job: str) -> None:
    fill = ("head", "--bytes", "100M", "/dev/zero")
    site.installation.kubectl("exec", _pod_name(site, job), "--", "sh", "-c", " ".join((*fill, ">", "/tmp/fill")))


DISTURBANCES: tuple[tuple[Callable[[Site, str], None], set[str]], ...] = (
    (fill_its_volume, {"Evicted"}),  # first: the node takes up to twenty seconds for it
    (evict, {"Evicted", "PodDeleted"}),  # before Kubernetes 1.26 an eviction leaves no trace: the pod is deleted
    (delete_pod, {"PodDeleted"}),
    (delete_job, {"JobDeleted"}),
)
"""What is done to the trial of that number, and the reasons that may be found for it."""


@pytest.fixture(scope="module")
def study(site: Site) -> Row[Any]:
    """Over, with a disturbance for each trial."""
    site.submit(site.study_file(NAME, trials=len(DISTURBANCES), epochs=EPOCHS, kubernetes=KEPT))
    for trial, (disturb, _) in enumerate(DISTURBANCES):
        disturb(site, site.wait_for_epochs(NAME, trial, SEEN_EPOCHS).name)
    return site.wait_until_over(NAME)


def test_every_trial_counts_once(site: Site, study: Row[Any]) -> None:
    assert study.state == StudyState.COMPLETED
    results = site.results(NAME)
    assert [found.trial for found in results] == list(range(len(DISTURBANCES)))
    assert [found.epochs for found in results] == [EPOCHS] * len(DISTURBANCES)
    assert site.left_behind(NAME) == []


@pytest.mark.parametrize("trial", range(len(DISTURBANCES)), ids=[found.__name__ for found, _ in DISTURBANCES])
def test_the_attempt_has_its_cause_and_the_next_one_goes_on_from_its_checkpoint(
    site: Site, study: Row[Any], trial: int
) -> None:
    lost, second = site.attempts(NAME, trial)
    assert (lost.state, lost.failure) == (AttemptState.FAILED, Failure.INFRASTRUCTURE)
    assert lost.reason in DISTURBANCES[trial][1]
    assert lost.message
    assert second.state == AttemptState.SUCCEEDED
    before, after = site.epochs(lost.id), site.epochs(second.id)
    assert [found.epoch for found in after] == list(range(1, EPOCHS + 1))
    # An epoch that is trained again takes another time.
    inherited = [old for old, new in zip(before, after, strict=False) if old.seconds == new.seconds]
    assert len(inherited) >= SEEN_EPOCHS
