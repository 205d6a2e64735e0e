"""An API server that is gone, or that accepts connections and never answers, does not keep the loop."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest

from nago_orchestrator.domain.attempts import Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.api.client import ClientOptions, KubernetesClient
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_trainer.contract.task import TrialTask
from tests.api_server import NAMESPACE, ApiServer, Fault, now_text
from tests.executor_scene import NAME, TIMING, Clock, Make, seen_in
from tests.job_controller import begin, end, pod_of, scheduled, set_status
from tests.kubernetes_access import ROLE_PREFIX, access_to, kubernetes_settings, study_label
from tests.waiting import PATIENCE_SECONDS, until

BRIEF = replace(TIMING, first_list_seconds=0.1, request_seconds=0.1, close_seconds=0.5)
BOUND = PATIENCE_SECONDS
"""Seconds of one call: it does not wait for a single answer, for that alone would take as long."""
OTHER = "small-t00013-a1"


class Line:
    """To the API server, with a client that waits for each answer as long as a call may take; may be led elsewhere."""

    def __init__(self, server: ApiServer) -> None:
        self.access = access_to(server)
        self.client = KubernetesClient(self.access, ClientOptions(connect_timeout=BOUND, read_timeout=BOUND))

    @contextmanager
    def dead(self, *, accepts: bool) -> Iterator[None]:
        there = self.access.host
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            self.access.host = f"http://127.0.0.1:{nobody.getsockname()[1]}"
            if not accepts:
                nobody.close()
            yield
            self.access.host = there
        # With the socket closed, what still waits for an answer is cut off and tried again.


@pytest.fixture
def line(server: ApiServer) -> Line:
    return Line(server)


@pytest.fixture
def executor(line: Line, clock: Clock) -> Iterator[KubernetesExecutor]:
    api = JobApi(line.client, NAMESPACE)
    made = KubernetesExecutor(
        api, kubernetes_settings(), study_label(), role_prefix=ROLE_PREFIX, timing=BRIEF, clock=clock
    )
    yield made
    made.close()


def slowest(*calls: Callable[[], object]) -> float:
    """Seconds of the longest."""
    taken = []
    for call in calls:
        began = time.monotonic()
        call()
        taken.append(time.monotonic() - began)
    return max(taken)


@pytest.mark.parametrize("accepts", [True, False], ids=["never answers", "closed port"])
def test_a_look_is_short_and_causes_are_read_when_it_answers_again(
    server: ApiServer, line: Line, executor: KubernetesExecutor, task: TrialTask, clock: Clock, accepts: bool
) -> None:
    executor.start(NAME, task)
    begin(server, NAME)
    seen_in(executor, Phase.RUNNING, clock)
    executor.start(OTHER, replace(task, trial=13))
    condition = {**scheduled(), "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    with line.dead(accepts=accepts):
        server.put("pods", pod_of(server.jobs()[OTHER], conditions=[condition]))
        set_status(server, OTHER, active=1, startTime=now_text())
        end(server, NAME, code=3)
        for _ in range(10):
            clock.advance(seconds=6)
            assert slowest(lambda: executor.observe([NAME, OTHER])) < BOUND
        seen = dict(executor.observe([NAME, OTHER]))
        assert (seen[NAME].phase, seen[OTHER].phase) == (Phase.PENDING, Phase.PENDING)

    def both_are_seen() -> bool:
        clock.advance(seconds=6)
        seen.update(executor.observe([NAME, OTHER]))
        return seen[NAME].phase is Phase.ENDED and seen[OTHER].reason == "Unschedulable"

    until(both_are_seen, lambda: seen)
    assert seen[NAME].failure is Failure.INFEASIBLE


@pytest.mark.parametrize("accepts", [True, False], ids=["never answers", "closed port"])
def test_beginning_and_stopping_many_is_short_and_is_made_up_for(
    server: ApiServer, line: Line, executor: KubernetesExecutor, task: TrialTask, clock: Clock, accepts: bool
) -> None:
    running = {f"small-t{trial:05d}-a1": replace(task, trial=trial) for trial in range(20)}
    fresh = {f"small-t{trial:05d}-a1": replace(task, trial=trial) for trial in range(20, 40)}
    executor.start_all(running)
    until(lambda: executor.observe(running) and set(server.jobs()) == set(running))
    with line.dead(accepts=accepts):
        assert slowest(lambda: executor.start_all(fresh), lambda: executor.observe(fresh)) < BOUND
        assert {seen.phase for seen in executor.observe(fresh).values()} <= {Phase.PENDING}
        assert slowest(*(partial(executor.stop, name, grace_seconds=0) for name in running)) < BOUND

    def all_is_made_up_for() -> bool:
        clock.advance(seconds=6)
        missing = [name for name, seen in executor.observe(fresh).items() if seen.phase is Phase.ABSENT]
        executor.start_all({name: fresh[name] for name in missing})
        return set(server.jobs()) == set(fresh)

    until(all_is_made_up_for, lambda: sorted(server.jobs()))


@pytest.mark.parametrize("accepts", [True, False], ids=["never answers", "closed port"])
def test_a_first_look_is_short_too(server: ApiServer, line: Line, clock: Clock, accepts: bool) -> None:
    api = JobApi(line.client, NAMESPACE)
    with line.dead(accepts=accepts):
        executor = KubernetesExecutor(
            api, kubernetes_settings(), study_label(), role_prefix=ROLE_PREFIX, timing=BRIEF, clock=clock
        )
        assert slowest(lambda: executor.observe([NAME])) < BOUND
        assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    until(lambda: executor.observe([NAME])[NAME].phase is Phase.ABSENT)
    executor.close()


def test_what_waits_is_not_given_up_while_nobody_can_see_it(
    server: ApiServer, make: Make, task: TrialTask, clock: Clock
) -> None:
    executor = make()
    executor.start(NAME, task)
    state = {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}
    status = {"name": "trainer", "state": state}
    server.put("pods", pod_of(server.jobs()[NAME], conditions=[scheduled()], containerStatuses=[status]))
    set_status(server, NAME, active=1, startTime=now_text())
    clock.advance(seconds=6)
    assert executor.observe([NAME])[NAME].reason == "ErrImagePull"
    server.faults.append(Fault(path="/pods", status=503, times=8))
    clock.advance(minutes=3)
    executor.observe([NAME])
    clock.advance(minutes=3)
    assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    clock.advance(seconds=6)
    assert seen_in(executor, Phase.ENDED, clock).reason == "ErrImagePull"


def test_one_that_is_stopped_while_its_creation_is_under_way_leaves_no_job(
    server: ApiServer, executor: KubernetesExecutor, task: TrialTask
) -> None:
    executor.observe([])
    server.silent.set()  # the watch tells nothing of it
    creation = Fault(method="POST", path="/jobs", hang=PATIENCE_SECONDS)
    server.faults.append(creation)
    executor.start_all({NAME: task})
    assert executor.observe([NAME])[NAME].phase is Phase.PENDING
    executor.stop(NAME, grace_seconds=0)
    creation.let_go = True  # the connection breaks, and the next try succeeds
    until(lambda: any(seen.method == "DELETE" for seen in list(server.requests)) and server.jobs() == {})


def test_closing_tries_for_a_while_and_names_what_is_left_behind(
    server: ApiServer,
    executor: KubernetesExecutor,
    task: TrialTask,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.put("jobs", build_job(NAME, task, study_label(), kubernetes_settings()))
    server.faults.append(Fault(method="DELETE", status=503, times=10_000))
    executor.stop(NAME, grace_seconds=0)
    assert slowest(executor.close) < BOUND
    assert f"kubectl delete job {NAME} -n {NAMESPACE}" in caplog.text
