"""What the executor does about an API server that refuses, fails or loses its answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nago_orchestrator.domain.attempts import Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.api.errors import ApiForbiddenError
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_trainer.contract.task import TrialTask
from tests.api_server import ApiServer, Fault
from tests.executor_scene import NAME, TIMING, Clock, Make, seen_in
from tests.job_controller import begin
from tests.kubernetes_access import kubernetes_settings, study_label


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="POST", path="/jobs", after_effect=True, hang=1.0),
        Fault(method="POST", path="/jobs", after_effect=True),
        Fault(method="POST", path="/jobs", after_effect=True, status=504),
        Fault(method="POST", path="/jobs", after_effect=True, status=500, times=9),
    ],
)
def test_a_create_that_fails_though_the_job_exists_is_found_again(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock, fault: Fault
) -> None:
    server.faults.append(fault)
    executor.start(NAME, task)
    begin(server, NAME)
    seen_in(executor, Phase.RUNNING, clock)
    assert set(server.jobs()) == {NAME}


def test_without_the_secret_of_the_database_attempts_wait_and_say_so(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    there = server.objects["secrets"].pop("nago")
    executor.start(NAME, task)
    waiting = executor.observe([NAME])[NAME]
    assert (waiting.phase, waiting.reason) == (Phase.PENDING, "NotCreated")
    assert "there is no Secret nago" in str(waiting.message)
    server.objects["secrets"]["nago"] = there
    clock.advance(seconds=6)
    assert executor.observe([NAME])[NAME].phase is Phase.ABSENT
    executor.start(NAME, task)
    assert set(server.jobs()) == {NAME}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="POST", path="/jobs", status=503, times=4),
        Fault(method="POST", path="/jobs", status=403, message="exceeded quota: count/jobs.batch"),
        Fault(method="POST", path="/jobs", status=409, message="the object has been modified", reason="Conflict"),
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
    server.faults.append(
        Fault(method="POST", path="/jobs", status=403, message="exceeded quota: count/jobs.batch", times=99)
    )
    executor.start(NAME, task)
    clock.advance(hours=23)
    executor.start(NAME, task)
    clock.advance(hours=2)
    seen = executor.observe([NAME])[NAME]
    assert (seen.phase, seen.failure) == (Phase.ENDED, Failure.INFRASTRUCTURE)
    assert "exceeded quota" in str(seen.message)


def test_without_the_right_to_list_nothing_can_be_seen(server: ApiServer, make: Make, clock: Clock) -> None:
    server.faults.append(Fault(status=403, message="cannot list resource jobs", times=10_000))
    executor = make(replace(TIMING, first_list_seconds=0.05))
    with pytest.raises(ApiForbiddenError, match="cannot list resource jobs"):
        seen_in(executor, Phase.ENDED, clock)
    server.faults.clear()
    seen_in(executor, Phase.ABSENT, clock, endures=(ApiForbiddenError,))


def test_a_right_that_is_missing_is_waited_for(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    server.faults.append(Fault(method="POST", path="/jobs", status=403, message="cannot create resource jobs"))
    executor.start(NAME, task)
    seen = executor.observe([NAME])[NAME]
    assert seen.phase is Phase.PENDING
    assert "cannot create resource jobs" in str(seen.message)
    clock.advance(seconds=6)
    executor.start(NAME, task)
    assert set(server.jobs()) == {NAME}


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


def test_while_the_api_server_is_away_everything_stays_as_it_was(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask, clock: Clock
) -> None:
    executor.start(NAME, task)
    begin(server, NAME)
    seen_in(executor, Phase.RUNNING, clock)
    for method in ("GET", "POST", "DELETE"):
        server.faults.append(Fault(method=method, status=503, times=10_000))
    for _ in range(10):
        clock.advance(seconds=6)
        assert executor.observe([NAME])[NAME].phase is Phase.RUNNING
    executor.start("small-t00013-a1", replace(task, trial=13))
    seen = executor.observe([NAME, "small-t00013-a1"])
    assert [seen[name].phase for name in (NAME, "small-t00013-a1")] == [Phase.RUNNING, Phase.PENDING]


def test_an_api_server_that_is_away_from_the_start_delays_everything(
    server: ApiServer, make: Make, task: TrialTask, clock: Clock
) -> None:
    server.put("jobs", build_job(NAME, task, study_label(), kubernetes_settings()))
    server.faults.append(Fault(status=503, times=12))
    executor = make(replace(TIMING, first_list_seconds=0.05))
    assert executor.observe([NAME, "small-t00013-a1"])[NAME].phase is Phase.PENDING
    begin(server, NAME)
    seen_in(executor, Phase.RUNNING, clock)
