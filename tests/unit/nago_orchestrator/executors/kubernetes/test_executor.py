"""The executor over real HTTP: what it does to a cluster, and what it makes of what the cluster does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nago_orchestrator.domain import Failure, Observation, Phase
from nago_orchestrator.executors.kubernetes.api_errors import ApiForbiddenError
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.manifest import build_job
from nago_orchestrator.executors.kubernetes.watch import JobWatch, Timing
from nago_trainer.contract import TrialTask
from tests.api_server import ApiServer, Fault, now_text
from tests.job_controller import begin, end, finish, pod_of, report, scheduled, set_status
from tests.kubernetes_access import job_api, kubernetes_settings, study_label
from tests.simulated_executor import succeed

NAME = "small-t00012-a1"
TIMING = Timing(first_pause=0.02, longest_pause=0.1)


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, **duration: float) -> None:
        self.ahead += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[[], KubernetesExecutor]


@pytest.fixture
def make(server: ApiServer, clock: Clock) -> Iterator[Make]:
    made: list[KubernetesExecutor] = []

    def build() -> KubernetesExecutor:
        api = job_api(server)
        watch = JobWatch(api.client, api.path, study_label().selector, TIMING)
        made.append(KubernetesExecutor(api, kubernetes_settings(), study_label(), watch=watch, clock=clock))
        return made[-1]

    yield build
    for executor in made:
        executor.close()


@pytest.fixture
def executor(make: Make) -> KubernetesExecutor:
    return make()


def until(executor: KubernetesExecutor, phase: Phase, clock: Clock, name: str = NAME) -> Observation:
    """What is seen once it is in that phase."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        seen = executor.observe([name])[name]
        if seen.phase is phase:
            return seen
        clock.advance(seconds=6)
        time.sleep(0.01)
    raise AssertionError(f"never {phase}, but {seen}")


def test_an_attempt_is_absent_then_pending_then_running_then_ended(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    assert executor.observe([NAME])[NAME].phase is Phase.ABSENT
    executor.start(NAME, task)
    assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    begin(server, NAME)
    running = until(executor, Phase.RUNNING, clock)
    assert running.uid == server.jobs()[NAME]["metadata"]["uid"]
    result = succeed(task).result
    assert result is not None
    end(server, NAME, message=report(server.jobs()[NAME], result=result.to_json()))
    seen = until(executor, Phase.ENDED, clock)
    assert (seen.result, seen.exit_code, seen.node) == (result, 0, "node-1")


def test_a_cluster_that_tells_nothing_of_readiness_is_asked_for_its_pods(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME, tells_ready=False)
    assert until(executor, Phase.RUNNING, clock).node == "node-1"
    before = server.count("GET", "/pods")
    for _ in range(100):
        clock.advance(seconds=3)
        executor.observe([NAME])
    assert server.count("GET", "/pods") - before <= 21, "four times a minute while it runs"


def test_a_pod_that_the_cluster_replaces_is_an_attempt_that_was_lost(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME, tells_ready=False)
    until(executor, Phase.RUNNING, clock)
    successor = pod_of(server.jobs()[NAME], conditions=[scheduled()])
    successor["metadata"].update(name=f"{NAME}-second", creationTimestamp="2999-01-01T00:00:00Z")
    server.put("pods", successor)
    seen = until(executor, Phase.ENDED, clock)
    assert (seen.failure, seen.reason) == (Failure.INFRASTRUCTURE, "PodDeleted")


def test_unschedulable_is_never_running(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    condition = {**scheduled(), "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    server.put("pods", pod_of(server.jobs()[NAME], conditions=[condition]))
    set_status(server, NAME, active=1, startTime=now_text())
    for _ in range(20):
        clock.advance(seconds=6)
        assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    assert "0/1 nodes" in str(executor.observe([NAME])[NAME].message)
    clock.advance(hours=25)
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.failure, seen.reason) == (Phase.ENDED, Failure.INFRASTRUCTURE, "Unschedulable")


def test_an_image_that_recovers_within_its_grace_fails_nothing(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    job = server.jobs()[NAME]
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "manifest unknown"}}
    server.put("pods", pod_of(job, conditions=[scheduled()], containerStatuses=[{"name": "trainer", "state": state}]))
    set_status(server, NAME, active=1, startTime=now_text())
    for _ in range(40):
        clock.advance(seconds=6)
        assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    begin(server, NAME)
    assert until(executor, Phase.RUNNING, clock)


def test_an_image_that_does_not_exist_is_given_up_after_its_grace(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    job = server.jobs()[NAME]
    state = {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}
    server.put("pods", pod_of(job, conditions=[scheduled()], containerStatuses=[{"name": "trainer", "state": state}]))
    set_status(server, NAME, active=1, startTime=now_text())
    clock.advance(seconds=6)
    executor.observe([NAME])
    backing_off = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    status = {"name": "trainer", "state": backing_off}
    pod = f"{NAME}-x7k2p"
    server.change("pods", pod, lambda found: found["status"].update(containerStatuses=[status]))
    clock.advance(minutes=4)
    assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    clock.advance(minutes=2)
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.failure, seen.reason) == (Phase.ENDED, Failure.DEFECT, "ErrImagePull")
    executor.observe([])
    assert server.jobs() == {}, "what was given up does not run after all"


def test_a_quota_keeps_a_job_waiting_and_says_so(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    uid = server.jobs()[NAME]["metadata"]["uid"]
    set_status(server, NAME, startTime=now_text())
    server.put(
        "events",
        {
            "metadata": {"name": "e", "labels": {}},
            "involvedObject": {"kind": "Job", "uid": uid},
            "reason": "FailedCreate",
            "message": "pods is forbidden: exceeded quota: gpus",
        },
    )
    clock.advance(seconds=6)
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.reason) == (Phase.PENDING, "QuotaExceeded")


def test_a_job_that_kueue_suspends_admits_and_suspends_again_is_queued_meanwhile(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    server.change("jobs", NAME, lambda job: job["spec"].update(suspend=True))
    clock.advance(days=30)
    assert until(executor, Phase.PENDING, clock).reason == "Suspended"
    server.change("jobs", NAME, lambda job: job["spec"].update(suspend=False))
    begin(server, NAME)
    until(executor, Phase.RUNNING, clock)
    server.change("jobs", NAME, lambda job: job["spec"].update(suspend=True))
    assert until(executor, Phase.PENDING, clock).reason == "Suspended"


def test_starting_twice_is_starting_once(
    server: ApiServer, executor: KubernetesExecutor, make: Make, task: TrialTask
) -> None:
    executor.start(NAME, task)
    executor.start(NAME, task)
    make().start(NAME, task)
    assert server.count("POST") == 3
    assert set(server.jobs()) == {NAME}


def test_many_are_started_and_cleared_away_at_once(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask
) -> None:
    tasks = {f"small-t{trial:05d}-a1": replace(task, trial=trial) for trial in range(30)}
    executor.start_all(tasks)
    assert set(server.jobs()) == set(tasks)
    seen = executor.observe(tasks)
    assert {observation.phase for observation in seen.values()} == {Phase.PENDING}
    executor.observe([])
    assert server.jobs() == {}


def test_one_of_many_that_is_refused_for_good_does_not_keep_the_others(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask
) -> None:
    server.faults.append(Fault(method="POST", status=403, message="cannot create resource jobs"))
    with pytest.raises(ApiForbiddenError):
        executor.start_all({f"small-t{trial:05d}-a1": replace(task, trial=trial) for trial in range(5)})
    assert len(server.jobs()) == 4


def test_what_the_cluster_tells_is_news_until_it_is_looked_at(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    until(executor, Phase.PENDING, clock)
    while executor.has_news():  # of the creation
        executor.observe([NAME])
        time.sleep(0.05)
    begin(server, NAME)
    deadline = time.monotonic() + 5
    while not executor.has_news():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert executor.observe([NAME])[NAME].phase is Phase.RUNNING


@pytest.mark.parametrize("difference", ["foreign", "another token", "another study of that name"])
def test_a_name_that_is_taken_ends_the_attempt_with_that_cause(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, difference: str
) -> None:
    other = build_job(NAME, replace(task, token="another"), study_label(), kubernetes_settings())
    if difference == "foreign":
        other["metadata"].update(labels=None, annotations=None)
    if difference == "another study of that name":
        other = build_job(NAME, task, replace(study_label(), key="x"), kubernetes_settings())
    server.put("jobs", other)
    executor.start(NAME, task)
    time.sleep(0.1)  # the watch may bring what it has of it
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.failure, seen.reason) == (Phase.ENDED, Failure.INFRASTRUCTURE, "NameTaken")
    assert f"has a Job {NAME} already" in str(seen.message)
    assert f"kubectl delete job {NAME}" in str(seen.message)
    assert set(server.jobs()) == {NAME}
    executor.observe([])
    ours = difference == "another token"  # what is left of an attempt that the database has forgotten
    assert set(server.jobs()) == (set() if ours else {NAME})


def test_a_foreign_job_of_the_name_is_not_observed_stopped_or_cleared_away(
    server: ApiServer, executor: KubernetesExecutor
) -> None:
    server.put("jobs", {"metadata": {"name": NAME, "labels": {"app": "other"}}, "spec": {}})
    assert executor.observe([NAME])[NAME].phase is Phase.ABSENT
    executor.stop(NAME, grace_seconds=1)
    executor.observe([])
    assert set(server.jobs()) == {NAME}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="POST", after_effect=True, hang=1.0),
        Fault(method="POST", after_effect=True),
        Fault(method="POST", after_effect=True, status=504),
        Fault(method="POST", after_effect=True, status=500, times=9),
    ],
)
def test_a_create_that_fails_though_the_job_exists_is_found_again(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock, fault: Fault
) -> None:
    server.faults.append(fault)
    executor.start(NAME, task)
    begin(server, NAME)
    until(executor, Phase.RUNNING, clock)
    assert set(server.jobs()) == {NAME}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="POST", status=503, times=4),
        Fault(method="POST", status=403, message="exceeded quota: count/jobs.batch"),
        Fault(method="POST", status=409, message="the object has been modified", reason="Conflict"),
    ],
)
def test_what_cannot_be_created_now_is_pending_and_asked_for_again_later(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock, fault: Fault
) -> None:
    server.faults.append(fault)
    executor.start(NAME, task)
    assert server.jobs() == {}
    assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    clock.advance(seconds=6)
    assert executor.observe([NAME])[NAME].phase is Phase.ABSENT
    executor.start(NAME, task)
    assert set(server.jobs()) == {NAME}
    assert executor.observe([NAME])[NAME].phase is Phase.PENDING


def test_what_cannot_be_created_for_a_day_is_given_up(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    server.faults.append(Fault(method="POST", status=403, message="exceeded quota: count/jobs.batch", times=99))
    executor.start(NAME, task)
    clock.advance(hours=23)
    executor.start(NAME, task)
    clock.advance(hours=2)
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.failure) == (Phase.ENDED, Failure.INFRASTRUCTURE)
    assert "exceeded quota" in str(seen.message)


def test_a_right_that_is_missing_is_an_error(server: ApiServer, executor: KubernetesExecutor, task: TrialTask) -> None:
    server.faults.append(Fault(method="POST", status=403, message="cannot create resource jobs"))
    with pytest.raises(ApiForbiddenError, match="cannot create resource jobs"):
        executor.start(NAME, task)


def test_stopping_takes_the_job_and_its_pods(server: ApiServer, executor: KubernetesExecutor, task: TrialTask) -> None:
    executor.start(NAME, task)
    begin(server, NAME)
    executor.stop(NAME, grace_seconds=1)
    executor.stop(NAME, grace_seconds=1)
    assert server.jobs() == {}
    assert server.pods_of(NAME) == []


def test_a_job_that_the_watch_has_not_seen_can_be_stopped(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask
) -> None:
    executor.observe([])
    server.silent.set()
    server.objects["jobs"][NAME] = server.put("jobs", build_job(NAME, task, study_label(), kubernetes_settings()))
    executor.stop(NAME, grace_seconds=1)
    assert server.jobs() == {}


def test_a_deletion_that_fails_is_made_up_for(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    server.faults.append(Fault(method="DELETE", status=503, times=4))
    executor.stop(NAME, grace_seconds=1)
    assert set(server.jobs()) == {NAME}
    clock.advance(seconds=6)
    executor.observe([])
    assert server.jobs() == {}


def test_closing_makes_up_for_a_deletion_that_failed_but_leaves_what_runs(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask
) -> None:
    executor.start(NAME, task)
    executor.start("small-t00013-a1", replace(task, trial=13))
    server.faults.append(Fault(method="DELETE", status=503, times=4))
    executor.stop(NAME, grace_seconds=1)
    executor.close()
    assert set(server.jobs()) == {"small-t00013-a1"}


def test_jobs_of_attempts_that_are_over_are_cleared_away_also_by_the_next_orchestrator(
    server: ApiServer, executor: KubernetesExecutor, make: Make, task: TrialTask
) -> None:
    executor.start(NAME, task)
    executor.start("small-t00013-a1", replace(task, trial=13))
    executor.close()
    make().observe(["small-t00013-a1"])
    assert set(server.jobs()) == {"small-t00013-a1"}


def test_causes_are_read_once_and_outlive_the_pods(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME)
    until(executor, Phase.RUNNING, clock)
    server.logs[f"{NAME}-x7k2p"] = "loading\ntraining\n"
    end(server, NAME, code=137, reason="OOMKilled")
    seen = until(executor, Phase.ENDED, clock)
    assert (seen.failure, seen.reason, seen.log_tail) == (Failure.DEFECT, "OOMKilled", "loading\ntraining")
    server.remove("pods", f"{NAME}-x7k2p")
    before = len(server.requests)
    assert executor.observe([NAME])[NAME] == seen
    assert not [request for request in server.requests[before:] if not request.query.get("watch")]


def test_a_cause_that_cannot_be_read_now_is_read_later(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME)
    until(executor, Phase.RUNNING, clock)
    server.faults.append(Fault(path="/pods", status=503, times=4))
    end(server, NAME, code=3)
    assert until(executor, Phase.ENDED, clock).failure is Failure.INFEASIBLE


@pytest.mark.parametrize("statuses", [None, []])
def test_a_pod_without_statuses_breaks_nothing(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock, statuses: object
) -> None:
    executor.start(NAME, task)
    server.put("pods", pod_of(server.jobs()[NAME], phase="Failed", reason="Evicted", containerStatuses=statuses))
    finish(server, NAME, failed=True)
    assert until(executor, Phase.ENDED, clock).reason == "Evicted"


def test_a_job_that_somebody_deletes_is_absent_and_one_that_is_going_has_ended(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME)
    until(executor, Phase.RUNNING, clock)
    server.change("jobs", NAME, lambda job: job["metadata"].update(deletionTimestamp=now_text()))
    assert until(executor, Phase.ENDED, clock).reason == "JobDeleted"
    server.remove("jobs", NAME)
    assert until(executor, Phase.ABSENT, clock).reason == "JobDeleted"


def test_while_the_api_server_is_away_everything_stays_as_it_was(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME)
    until(executor, Phase.RUNNING, clock)
    for method in ("GET", "POST", "DELETE"):
        server.faults.append(Fault(method=method, status=503, times=10_000))
    for _ in range(10):
        clock.advance(seconds=6)
        assert executor.observe([NAME])[NAME].phase is Phase.RUNNING
    executor.start("small-t00013-a1", replace(task, trial=13))
    seen = executor.observe([NAME, "small-t00013-a1"])
    assert [seen[name].phase for name in (NAME, "small-t00013-a1")] == [Phase.RUNNING, Phase.PENDING]


def test_an_api_server_that_is_away_from_the_start_delays_everything(
    server: ApiServer, make: Make, task: TrialTask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nago_orchestrator.executors.kubernetes.executor.FIRST_LIST_SECONDS", 0.05)
    server.put("jobs", build_job(NAME, task, study_label(), kubernetes_settings()))
    server.faults.append(Fault(status=503, times=12))
    executor = make()
    assert executor.observe([NAME, "small-t00013-a1"])[NAME].phase is Phase.PENDING
    begin(server, NAME)
    until(executor, Phase.RUNNING, clock)


def test_the_log_can_be_read_while_it_runs(server: ApiServer, executor: KubernetesExecutor, task: TrialTask) -> None:
    executor.start(NAME, task)
    assert executor.log_tail(NAME) is None
    begin(server, NAME)
    server.logs[f"{NAME}-x7k2p"] = "epoch 1\n"
    assert executor.log_tail(NAME) == "epoch 1"
