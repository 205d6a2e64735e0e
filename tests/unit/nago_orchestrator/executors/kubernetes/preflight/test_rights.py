"""The rights that are checked are those that the Role gives, and those that the program uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from nago_orchestrator.domain.findings import State
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount
from nago_orchestrator.executors.kubernetes.preflight.answers import Refused
from nago_orchestrator.executors.kubernetes.preflight.examine import REVIEWS, examine
from nago_orchestrator.executors.kubernetes.preflight.rights import FOR_DOCTOR, ROLE, TRIED, Right, rights_findings
from nago_orchestrator.executors.kubernetes.preflight.study import ExaminedStudy
from nago_orchestrator.executors.kubernetes.status.pod_log import PodLog
from nago_trainer.contract.task import TrialTask
from tests.api_cluster import KUEUE
from tests.api_http import Request
from tests.api_server import ApiServer, Fault
from tests.executor_scene import TIMING
from tests.job_controller import begin, end
from tests.kubernetes_access import QUICK, ROLE_PREFIX, access_to, job_api, kubernetes_settings, study_label
from tests.unit.nago_orchestrator.executors.kubernetes.preflight.conftest import MakeJob

NAME = "small-t00012-a1"
OPEN_TO_ALL = ("/version", REVIEWS, KUEUE)
_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/v1(?:beta1)?)(?:/namespaces/[^/]+(?=/))?/(?P<resource>[a-z]+)"
    r"(?P<name>/[^/]+(?P<subresource>/log)?)?"
)


def right_of(request: Request) -> Right:
    """https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb"""
    match = _PATH.fullmatch(request.path)
    assert match is not None, request.path
    reading = "watch" if request.query.get("watch") else "get" if match["name"] else "list"
    verb = {"GET": reading, "POST": "create", "DELETE": "delete", "PATCH": "patch"}[request.method]
    return Right(match["group"] or "", match["resource"] + (match["subresource"] or ""), verb)


def used(server: ApiServer) -> set[Right]:
    return {right_of(request) for request in server.requests if request.path not in OPEN_TO_ALL}


@pytest.fixture
def executor(server: ApiServer) -> Iterator[KubernetesExecutor]:
    api = job_api(server)
    made = KubernetesExecutor(api, kubernetes_settings(), study_label(), role_prefix=ROLE_PREFIX, timing=TIMING)
    yield made
    made.close()


def test_all_that_the_program_asks_for_is_checked_and_nothing_else(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, make_job: MakeJob
) -> None:
    executor.start(NAME, task)
    executor.start(NAME, task)  # it is there already
    executor.observe([NAME])  # no pod yet: why?
    server.faults.append(Fault(method="POST", path="/jobs", status=422))
    executor.start("small-t00013-a1", replace(task, trial=13))  # its Secret is taken away again
    begin(server, NAME)
    end(server, NAME, code=1)
    list(PodLog(job_api(server), NAME).follow(None, lambda: False, lambda _: None))
    executor.stop(NAME, grace_seconds=0)
    server.cluster.has_kueue = True
    mounted = make_job(
        queue="gpus", data=ClaimMount(claim="images", mount_path="/data"), service_account="nago-trainer"
    )
    study = ExaminedStudy(job=mounted, parallelism=1, image_path=None, database_secret=("nago", "url"))
    assert list(examine(access_to(server), study, QUICK))
    assert used(server) == {*ROLE, *TRIED}


def test_each_is_asked_for_with_its_group_and_subresource(server: ApiServer) -> None:
    server.cluster.denied = {("jobs.batch", "delete"), ("pods/log", "get"), ("resourcequotas", "list")}
    found = {finding.check: finding for finding in examine(access_to(server), None, QUICK)}
    missing = {check: finding.detail for check, finding in found.items() if finding.detail.startswith("may not")}
    assert missing == {
        "right to jobs.batch": "may not delete jobs.batch in the namespace research",
        "right to pods/log": "may not get pods/log in the namespace research",
        "right to resourcequotas": "may not list resourcequotas in the namespace research",
    }


def test_what_a_study_cannot_do_without_is_a_problem() -> None:
    rights = {right: right.verb != "delete" and right not in FOR_DOCTOR for right in ROLE}
    found = {finding.check: finding for finding in rights_findings(rights, "research")}
    assert found["right to jobs.batch"].state is State.PROBLEM
    assert found["right to jobs.batch"].detail == "may not delete jobs.batch in the namespace research"
    assert found["right to pods"].state is State.OK
    assert found["right to resourcequotas"].state is State.WARNING


def test_no_answer_is_no_verdict() -> None:
    found = list(rights_findings({right: Refused("the API server is busy") for right in ROLE}, "research"))
    assert {finding.state for finding in found} == {State.UNKNOWN}
