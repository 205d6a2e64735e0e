"""Jobs whose names are taken, and what happens while no orchestrator is there: the next one makes sense of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes.client.configuration import Configuration
from kubernetes.config import load_kube_config
from sqlalchemy import Row

from nago_orchestrator.domain.states import AttemptState, Failure, StudyState
from nago_orchestrator.executors.kubernetes.api.access import Access
from nago_orchestrator.executors.kubernetes.api.client import KubernetesClient
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel
from nago_orchestrator.executors.kubernetes.manifest.settings import settings_of
from nago_orchestrator.services.studies import submit_study
from nago_orchestrator.spec import parse_study_spec
from nago_orchestrator.store.store import Store
from nago_trainer.contract.task import TrialTask
from tests.cluster.pods.site import SLOWLY, Site, until
from tests.studies import Orchestrator

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
LEFT_ALONE, ADOPTED, FOREIGN = "left-alone", "adopted", "foreign"
EPOCHS = 120
TAKEN = f"{FOREIGN}-t00000-a1"


class Dead(BaseException):  # the orchestrator's end, no error of its own
    pass


class DiesAfterCreate(KubernetesExecutor):
    """Of an orchestrator that is gone once the Job is there."""

    def start(self, name: str, task: TrialTask) -> None:
        super().start(name, task)
        raise Dead


@contextmanager
def no_orchestrator(site: Site) -> Iterator[None]:
    kubectl = site.installation.kubectl
    selector = "app.kubernetes.io/name=nago-orchestrator"
    kubectl("scale", "deployment/nago-orchestrator", "--replicas", "0")
    until(lambda: not kubectl.get("pods", "--selector", selector)["items"] or None, "the orchestrator's end")
    try:
        yield
    finally:
        kubectl("scale", "deployment/nago-orchestrator", "--replicas", "1")
        site.installation.wait_until_ready()


def create_and_die(site: Site) -> str:
    """The uid of the study's first Job, of which the database knows no more than that it was to be created."""
    spec = parse_study_spec(json.dumps(site.study_file(ADOPTED)), "the test's study")
    study = submit_study(spec, site.engine.url.render_as_string(hide_password=False), datetime.now(UTC))
    section = spec.execution.kubernetes
    assert section is not None
    label = StudyLabel.of(study.name, study.created_at)
    store, api = Store(site.engine), JobApi(KubernetesClient(_access(site)), site.installation.namespace)
    executor = DiesAfterCreate(api, settings_of(section), label, role_prefix=store.logins.prefix)
    with pytest.raises(Dead):
        Orchestrator(store, study, executor).run()
    executor.close()
    (attempt,) = site.attempts(ADOPTED)
    assert attempt.state == AttemptState.CREATED
    return uid_of(site, attempt.name)


def _access(site: Site) -> Access:
    def configure(configuration: Configuration) -> None:
        file = str(site.installation.kubectl.kubeconfig)
        load_kube_config(file, client_configuration=configuration)  # type: ignore[no-untyped-call]  # not annotated

    return Access(configure, site.installation.namespace)


def uid_of(site: Site, job: str) -> str:
    return str(site.installation.kubectl.get("job", job)["metadata"]["uid"])


def take_the_name(site: Site) -> str:
    """The uid of somebody else's Job, which has no pods."""
    container = {"name": "other", "image": "other"}
    site.installation.kubectl.apply(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": TAKEN},
            "spec": {"parallelism": 0, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
        }
    )
    return uid_of(site, TAKEN)


@pytest.fixture(scope="module")
def uids(site: Site) -> dict[str, str]:
    """Of the Jobs that were there before the orchestrator wanted them, by study; all studies are over."""
    kubectl = site.installation.kubectl
    found = {FOREIGN: take_the_name(site)}
    lasting = {"pod_template": {"spec": {"containers": [SLOWLY]}}}
    site.submit(
        site.study_file(LEFT_ALONE, trials=2, epochs=EPOCHS, kubernetes=lasting),
        site.study_file(FOREIGN),
    )
    finished, deleted = (site.wait_for_epochs(LEFT_ALONE, trial, 1) for trial in range(2))
    with no_orchestrator(site):
        kubectl("delete", "job", deleted.name)
        found[ADOPTED] = create_and_die(site)
        until(lambda: site.results(LEFT_ALONE) or None, "the result")
        kubectl("delete", "job", finished.name)
    for name in (LEFT_ALONE, ADOPTED, FOREIGN):
        site.wait_until_over(name)
    return found


def outcomes(attempts: list[Row[Any]]) -> list[tuple[str, str | None, str | None]]:
    return [(found.state, found.failure, found.reason) for found in attempts]


SUCCESS = (AttemptState.SUCCEEDED, None, None)


@pytest.mark.usefixtures("uids")
def test_a_result_outlives_its_job(site: Site) -> None:
    assert site.study(LEFT_ALONE).state == StudyState.COMPLETED
    assert outcomes(site.attempts(LEFT_ALONE, 0)) == [SUCCESS]


@pytest.mark.usefixtures("uids")
def test_a_job_that_was_deleted_in_the_meantime_is_an_attempt_that_was_lost(site: Site) -> None:
    lost = (AttemptState.FAILED, Failure.INFRASTRUCTURE, "JobDeleted")
    attempts = site.attempts(LEFT_ALONE, 1)
    assert outcomes(attempts) == [lost, SUCCESS]
    assert "deleted" in attempts[0].message
    assert [found.trial for found in site.results(LEFT_ALONE)] == [0, 1]
    assert site.left_behind(LEFT_ALONE) == []


def test_a_job_of_ours_is_adopted_and_not_created_twice(site: Site, uids: dict[str, str]) -> None:
    (attempt,) = site.attempts(ADOPTED)
    assert outcomes([attempt]) == [SUCCESS]
    assert attempt.uid == uids[ADOPTED]
    assert site.left_behind(ADOPTED) == []


def test_somebody_elses_job_is_left_alone_and_the_next_attempt_has_another_name(
    site: Site, uids: dict[str, str]
) -> None:
    attempts = site.attempts(FOREIGN)
    assert outcomes(attempts) == [(AttemptState.FAILED, Failure.INFRASTRUCTURE, "NameTaken"), SUCCESS]
    assert f"already has a Job {TAKEN}" in attempts[0].message
    assert f"kubectl delete job {TAKEN}" in attempts[0].message
    assert uid_of(site, TAKEN) == uids[FOREIGN]
    assert site.left_behind(FOREIGN) == []
