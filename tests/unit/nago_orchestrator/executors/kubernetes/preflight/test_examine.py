"""All checks over real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from nago_orchestrator.domain.findings import Finding, State
from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount
from nago_orchestrator.executors.kubernetes.preflight.examine import examine_cluster
from nago_orchestrator.executors.kubernetes.preflight.study import ExaminedStudy
from tests.api_server import ApiServer, Fault
from tests.kubernetes_access import be_found
from tests.unit.nago_orchestrator.executors.kubernetes.preflight.conftest import MakeJob


@pytest.fixture(autouse=True)
def kubeconfig(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be_found(server, tmp_path, monkeypatch)


@pytest.fixture
def study(make_job: MakeJob) -> ExaminedStudy:
    return ExaminedStudy(job=make_job(gpu_count=0), parallelism=2, image_path=None, database_secret=("nago", "url"))


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    found = {finding.check: finding for finding in findings}
    assert len(found) == len(findings), "no check speaks twice"
    return found


def sound(server: ApiServer) -> None:
    room = {"cpu": "8", "memory": "32Gi", "pods": "20"}
    server.cluster.put("nodes", "a", status={"allocatable": room})
    server.put("secrets", {"metadata": {"name": "nago"}, "data": {"url": "aHVzaA=="}})


def test_a_sound_cluster_has_only_the_tag_to_be_warned_of(server: ApiServer, study: ExaminedStudy) -> None:
    sound(server)
    found = by_check(examine_cluster(study))
    assert {check for check, finding in found.items() if finding.state is not State.OK} == {"image"}
    assert "the kubeconfig's context lab" in found["API server"].detail
    assert "v1.34.1" in found["API server"].detail
    assert server.jobs() == {}, "the first Job was tried, not created"


def test_the_job_is_tried_as_it_would_be_sent(server: ApiServer, study: ExaminedStudy) -> None:
    sound(server)
    server.faults.append(Fault(method="POST", path="dryRun", status=422, message="spec.template.spec is invalid"))
    finding = by_check(examine_cluster(study))["first Job"]
    assert finding.state is State.PROBLEM
    assert "spec.template.spec is invalid" in finding.detail


def test_a_field_that_kubernetes_does_not_know_is_a_problem_and_is_named(server: ApiServer, make_job: MakeJob) -> None:
    sound(server)
    job = make_job(gpu_count=0, pod_template={"spec": {"priorityClas": "low"}})
    study = ExaminedStudy(job=job, parallelism=2, image_path=None, database_secret=("nago", "url"))
    finding = by_check(examine_cluster(study))["first Job"]
    assert finding.state is State.PROBLEM
    assert 'unknown field "spec.template.spec.priorityClas"' in finding.detail
    server.cluster.version = "v1.20.15"  # which does not look for such fields
    assert by_check(examine_cluster(study))["first Job"].state is State.OK


def test_a_field_of_this_program_s_own_that_is_too_new_is_no_problem(server: ApiServer, study: ExaminedStudy) -> None:
    sound(server)
    server.cluster.version = "v1.27.16"  # which does not know spec.podReplacementPolicy
    assert by_check(examine_cluster(study))["first Job"].state is State.OK


@pytest.mark.parametrize(
    ("has_kueue", "queue", "denied", "state", "words"),
    [
        (False, None, False, State.WARNING, "the cluster has no Kueue"),
        (True, None, False, State.PROBLEM, "there is none of that name: the trials' Jobs stay suspended"),
        (True, None, True, State.UNKNOWN, "may not read localqueues"),
        (True, {}, False, State.OK, "exists"),
        (
            True,
            {"conditions": [{"type": "Active", "status": "False", "message": "its ClusterQueue is missing"}]},
            False,
            State.WARNING,
            "its ClusterQueue is missing",
        ),
    ],
)
def test_the_queue_of_a_study_is_looked_for(
    server: ApiServer, make_job: MakeJob, has_kueue: bool, queue: object, denied: bool, state: State, words: str
) -> None:
    sound(server)
    server.cluster.has_kueue = has_kueue
    if queue is not None:
        server.cluster.put("localqueues", "gpus", status=queue)
    if denied:
        server.cluster.denied.add(("localqueues", "get"))
    study = ExaminedStudy(
        job=make_job(gpu_count=0, queue="gpus"), parallelism=2, image_path=None, database_secret=("nago", "url")
    )
    finding = by_check(examine_cluster(study))["queue gpus"]
    assert finding.state is state
    assert words in finding.detail


def test_warnings_of_the_api_server_are_shown(server: ApiServer, study: ExaminedStudy) -> None:
    sound(server)
    server.cluster.warnings = ['would violate PodSecurity \\"restricted:latest\\"', "spec.a is deprecated, use b"]
    found = by_check(examine_cluster(study))
    assert found["first Job"].state is State.WARNING
    told = 'warns: would violate PodSecurity "restricted:latest"; spec.a is deprecated, use b'
    assert told in found["first Job"].detail
    assert found["first pod"].state is State.OK, "what was said of the Job is not said again"


def test_a_pod_is_tried_too_where_the_user_may_create_one(server: ApiServer, study: ExaminedStudy) -> None:
    sound(server)
    assert by_check(examine_cluster(study))["first pod"].state is State.OK
    message = "pods is forbidden: maximum memory usage per Container is 4Gi, but limit is 9Gi"
    server.faults.append(Fault(method="POST", path="/pods", status=403, message=message))
    assert message in by_check(examine_cluster(study))["first pod"].detail
    server.cluster.denied = {("pods", "create")}
    assert by_check(examine_cluster(study))["first pod"].state is State.UNKNOWN
    assert server.objects["pods"] == {}


@pytest.mark.parametrize(
    ("status", "why", "state", "tried"),
    [
        (403, "exceeded quota: team, requested: count/jobs.batch=1, used: 3, limited: 3", State.WARNING, True),
        (400, "admission webhook a.example.org does not support dry run", State.UNKNOWN, True),
        (422, "spec.template.spec is invalid", State.PROBLEM, False),
    ],
)
def test_the_pod_is_tried_unless_its_job_is_refused_for_good(  # each a column of the cases
    server: ApiServer, study: ExaminedStudy, status: int, why: str, state: State, tried: bool
) -> None:
    sound(server)
    server.faults.append(Fault(method="POST", path="/jobs?dryRun", status=status, message=why))
    found = by_check(examine_cluster(study))
    assert found["first Job"].state is state
    assert ("first pod" in found) is tried


def test_an_orchestrator_that_may_not_read_much_says_what_it_could_not_see(
    server: ApiServer, study: ExaminedStudy
) -> None:
    server.cluster.denied = {("nodes", "list"), ("secrets", "get"), ("namespaces", "get"), ("pods", "create")}
    found = by_check(examine_cluster(study))
    unknown = {check: finding for check, finding in found.items() if finding.state is State.UNKNOWN}
    assert set(unknown) == {"nodes", "Secret nago", "first pod"}
    assert "this user may not read secrets" in unknown["Secret nago"].detail
    assert all(finding.remedy for finding in unknown.values())


def test_without_a_study_access_rights_and_quotas_are_looked_at(server: ApiServer) -> None:
    server.cluster.put("resourcequotas", "team", status={"hard": {"pods": "5"}, "used": {"pods": "1"}})
    found = by_check(examine_cluster(None))
    assert found["quota team"].detail == "pods 1 of 5"
    assert not {"first Job", "nodes", "image"} & set(found)
    assert server.count("POST", "/jobs") == 0


def test_a_namespace_that_is_not_there_says_so_and_nothing_else(server: ApiServer, study: ExaminedStudy) -> None:
    server.cluster.objects["namespaces"].clear()
    found = by_check(examine_cluster(study))
    assert set(found) == {"API server", "namespace"}
    assert found["namespace"].state is State.PROBLEM


@pytest.mark.parametrize(
    ("version", "state"), [("v1.24.3", State.WARNING), ("v1.25.0", State.OK), ("v0.0.0-master", State.OK)]
)
def test_old_clusters_are_warned_of(server: ApiServer, version: str, state: State) -> None:
    server.cluster.version = version
    assert by_check(examine_cluster(None))["API server"].state is state


@pytest.mark.parametrize(
    "fault", [Fault(status=503, times=99), Fault(method="POST", status=401, message="Unauthorized", times=99)]
)
def test_a_cluster_that_does_not_answer_or_know_us_is_one_problem(server: ApiServer, fault: Fault) -> None:
    server.faults.append(fault)
    (finding,) = examine_cluster(None)
    assert (finding.state, finding.check) == (State.PROBLEM, "access")
    assert str(fault.status) in finding.detail


def test_no_access_at_all_is_one_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    (finding,) = examine_cluster(None)
    assert (finding.state, finding.check) == (State.PROBLEM, "access")
    assert "set KUBECONFIG" in str(finding.remedy)


def test_a_terminating_namespace_takes_no_job(server: ApiServer, study: ExaminedStudy) -> None:
    sound(server)
    message = "unable to create new content in namespace research because it is being terminated"
    server.faults.append(Fault(method="POST", path="dryRun", status=403, message=message))
    finding = by_check(examine_cluster(study))["first Job"]
    assert finding.state is State.PROBLEM
    assert message in finding.detail


def test_a_volume_of_one_node_is_enough_where_one_node_only_fits(server: ApiServer, make_job: MakeJob) -> None:
    sound(server)
    server.cluster.put("nodes", "full", status={"allocatable": {"cpu": "0", "memory": "1Gi", "pods": "20"}})
    server.cluster.put(
        "persistentvolumeclaims", "c", spec={"accessModes": ["ReadWriteOnce"]}, status={"phase": "Bound"}
    )
    job = make_job(gpu_count=0, checkpoints=ClaimMount(claim="c", mount_path="/checkpoints"))
    study = ExaminedStudy(job=job, parallelism=2, image_path=None, database_secret=("nago", "url"))
    assert by_check(examine_cluster(study))["claim c"].state is State.OK
    server.cluster.put("nodes", "b", status={"allocatable": {"cpu": "8", "memory": "32Gi", "pods": "20"}})
    assert by_check(examine_cluster(study))["claim c"].state is State.WARNING
    server.cluster.denied = {("nodes", "list")}
    assert by_check(examine_cluster(study))["claim c"].state is State.WARNING
