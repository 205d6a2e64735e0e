"""What is made of the API server's answers to the first Job and its pod."""

from __future__ import annotations

import pytest

from nago_orchestrator.domain.findings import Finding, State
from nago_orchestrator.executors.kubernetes.preflight.answers import DryRun, Refused
from nago_orchestrator.executors.kubernetes.preflight.dry_run import dry_run_findings, job_to_try, pod_of
from tests.unit.nago_orchestrator.executors.kubernetes.preflight.conftest import MakeJob

WELL = DryRun()
PSA = 'would violate PodSecurity "restricted:latest"'


def findings(job: DryRun, pod: DryRun | None = None) -> dict[str, Finding]:
    return {finding.check: finding for finding in dry_run_findings("small-t00000-a1", job, pod)}


@pytest.mark.parametrize(
    ("run", "state", "words"),
    [
        (WELL, State.OK, "would accept small-t00000-a1"),
        (DryRun(warnings=(PSA, "deprecated")), State.WARNING, f"warns: {PSA}; deprecated"),
        (DryRun(Refused('unknown field "spec.replica"')), State.PROBLEM, 'refuses it: unknown field "spec.replica"'),
        (DryRun(Refused("exceeded quota: team, count/jobs.batch=3")), State.WARNING, "refuses it now"),
        (DryRun(Refused("admission webhook a does not support dry run")), State.UNKNOWN, "does not support dry run"),
    ],
)
def test_the_answer_to_the_job_is_one_sentence(run: DryRun, state: State, words: str) -> None:
    found = findings(run)["first Job"]
    assert found.state is state
    assert words in found.detail
    assert (found.remedy is None) is (state is State.OK)


def test_a_pod_is_tried_by_who_may_create_one_and_unknown_to_others() -> None:
    untried = findings(WELL, DryRun(Refused("this user may not create pods", lacks_right=True)))["first pod"]
    assert untried.state is State.UNKNOWN
    assert "this user may not create pods: limit ranges" in untried.detail
    assert untried.remedy
    assert findings(WELL, WELL)["first pod"].state is State.OK


@pytest.mark.parametrize(
    "why",
    [
        "maximum memory usage per Container is 4Gi",
        "failed quota: few: must specify limits.cpu for: trainer",
        "no PriorityClass with name low was found",
    ],
)
def test_a_pod_that_is_refused_is_a_problem(why: str) -> None:
    refused = findings(WELL, DryRun(Refused(why)))["first pod"]
    assert refused.state is State.PROBLEM
    assert why in refused.detail


def test_what_was_said_of_the_job_or_of_the_quota_is_not_said_of_the_pod_again() -> None:
    assert findings(DryRun(warnings=(PSA,)), DryRun(warnings=(PSA,)))["first pod"].state is State.OK
    assert set(findings(WELL, DryRun(Refused("exceeded quota: team")))) == {"first Job"}


def test_a_field_that_older_api_servers_drop_is_not_tried(make_job: MakeJob) -> None:
    job = make_job()
    assert job["spec"].keys() - job_to_try(job)["spec"].keys() == {"podReplacementPolicy"}


def test_the_pod_is_that_of_the_job(make_job: MakeJob) -> None:
    job = make_job()
    pod = pod_of(job)
    assert pod["metadata"]["name"] == job["metadata"]["name"]
    assert pod["metadata"]["labels"] == job["spec"]["template"]["metadata"]["labels"]
    assert pod["spec"] == job["spec"]["template"]["spec"]
