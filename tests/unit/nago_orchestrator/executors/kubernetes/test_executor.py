"""The executor over real HTTP: the course of an attempt, and what is begun, named and stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nago_orchestrator.domain.attempts import Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_trainer.contract.task import TrialTask
from tests.api_server import ApiServer, Fault
from tests.executor_scene import NAME, Clock, Make, seen_in
from tests.job_controller import begin, end, report
from tests.kubernetes_access import kubernetes_settings, study_label
from tests.simulated_executor import succeed
from tests.waiting import until


def test_an_attempt_is_absent_then_pending_then_running_then_ended(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    assert executor.observe([NAME])[NAME].phase is Phase.ABSENT
    executor.start(NAME, task)
    assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    begin(server, NAME)
    running = seen_in(executor, Phase.RUNNING, clock)
    assert running.uid == server.jobs()[NAME]["metadata"]["uid"]
    result = succeed(task).result
    assert result is not None
    end(server, NAME, message=report(server, server.jobs()[NAME], result=result.to_json()))
    seen = seen_in(executor, Phase.ENDED, clock)
    assert (seen.result, seen.exit_code, seen.node) == (result, 0, "node-1")


def test_starting_twice_is_starting_once(
    server: ApiServer, executor: KubernetesExecutor, make: Make, task: TrialTask
) -> None:
    executor.start(NAME, task)
    executor.start(NAME, task)
    make().start(NAME, task)
    assert server.count("POST", "/jobs") == 3
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
    server.faults.append(Fault(method="POST", path="/jobs", status=422, message="spec.template is invalid"))
    tasks = {f"small-t{trial:05d}-a1": replace(task, trial=trial) for trial in range(5)}
    executor.start_all(tasks)
    until(lambda: len(server.jobs()) == 4)
    until(lambda: Phase.ENDED in {seen.phase for seen in executor.observe(tasks).values()})
    (refused,) = [seen for seen in executor.observe(tasks).values() if seen.phase is Phase.ENDED]
    assert (refused.failure, refused.reason) == (Failure.DEFECT, "JobRefused")
    assert "spec.template is invalid" in str(refused.message)


def test_what_the_cluster_tells_is_news_until_it_is_looked_at(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    seen_in(executor, Phase.PENDING, clock)
    until(lambda: not executor.has_news() or not executor.observe([NAME]))  # of the creation
    begin(server, NAME)
    until(executor.has_news)
    assert executor.observe([NAME])[NAME].phase is Phase.RUNNING


@pytest.mark.parametrize("seen_before", [True, False], ids=["in the first list", "later"])
@pytest.mark.parametrize("difference", ["foreign", "another token", "another study of that name"])
def test_a_name_that_is_taken_ends_the_attempt_with_that_cause(
    server: ApiServer, make: Make, task: TrialTask, difference: str, seen_before: bool
) -> None:
    other = build_job(NAME, replace(task, token="another"), study_label(), kubernetes_settings())
    if difference == "foreign":
        other["metadata"].update(labels=None, annotations=None)
    if difference == "another study of that name":
        other = build_job(NAME, task, replace(study_label(), key="x"), kubernetes_settings())
    executor = make() if not seen_before else None
    server.put("jobs", other)
    executor = executor or make()
    executor.start(NAME, task)
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.failure, seen.reason) == (Phase.ENDED, Failure.INFRASTRUCTURE, "NameTaken")
    assert f"already has a Job {NAME}" in str(seen.message)
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


def test_jobs_of_attempts_that_are_over_are_cleared_away_also_by_the_next_orchestrator(
    server: ApiServer, executor: KubernetesExecutor, make: Make, task: TrialTask
) -> None:
    executor.start(NAME, task)
    executor.start("small-t00013-a1", replace(task, trial=13))
    executor.close()
    make().observe(["small-t00013-a1"])
    assert set(server.jobs()) == {"small-t00013-a1"}
