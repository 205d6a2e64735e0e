"""Whole searches over Jobs, with an API server that speaks HTTP and a thread that plays the cluster."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from nago_orchestrator.domain.states import Failure, StudyState, TrialState
from nago_orchestrator.executors.kubernetes.api.watch import WatchTiming
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.timing import ExecutorTiming
from nago_orchestrator.store.store import Store
from nago_trainer.contract.back_off import BackOff
from nago_trainer.contract.task import TrialTask
from tests.api_server import ApiServer, Fault, Object, api_server
from tests.job_controller import JobController, end, finish, report
from tests.kubernetes_access import ROLE_PREFIX, job_api, kubernetes_settings, study_label
from tests.simulated_executor import SimulatedExecutor, succeed
from tests.studies import Orchestrator, create, small_spec
from tests.waiting import PATIENCE_SECONDS

TASKS: dict[str, TrialTask] = {}
"""By attempt: what a real trainer reads from the database."""
Script = Callable[[ApiServer, Object], None]


class TaskKeeper(KubernetesExecutor):
    def start(self, name: str, task: TrialTask) -> None:
        TASKS[name] = task
        super().start(name, task)


TIMING = ExecutorTiming(watch=WatchTiming(back_off=BackOff(0.01, 0.1)))


def make_executor(server: ApiServer, timing: ExecutorTiming = TIMING) -> KubernetesExecutor:
    api = job_api(server)
    return TaskKeeper(api, kubernetes_settings(), study_label(), role_prefix=ROLE_PREFIX, timing=timing)


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One kind of database is enough here: what differs between them is tested elsewhere."""
    return str(shutil.copy(sqlite_template, tmp_path / "nago.sqlite"))


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@pytest.fixture
def executor(server: ApiServer) -> Iterator[KubernetesExecutor]:
    made = make_executor(server)
    yield made
    made.close()


def shortly(seconds: float) -> None:
    time.sleep(0.005)


def play_success(server: ApiServer, job: Object) -> None:
    name = job["metadata"]["name"]
    result = succeed(TASKS[name]).result
    assert result is not None
    end(server, name, message=report(server, job, result=result.to_json()))


def undisturbed(store: Store) -> object:
    elsewhere = create(store, small_spec(name="elsewhere"))
    Orchestrator(store, elsewhere, SimulatedExecutor()).run()
    return store.history(elsewhere.id)


@pytest.mark.parametrize("parallelism", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_a_whole_search_learns_what_it_learns_elsewhere_and_leaves_nothing_behind(
    store: Store, server: ApiServer, executor: KubernetesExecutor, parallelism: int
) -> None:
    study = create(store, small_spec(execution=f"{{parallelism: {parallelism}}}"))
    with JobController(server, play_success) as cluster:
        assert Orchestrator(store, study, executor, sleep=shortly).run() is StudyState.COMPLETED
    assert len(cluster.played) == len(set(cluster.played)) == 26
    assert cluster.most_at_once <= parallelism
    assert server.jobs() == {}
    assert store.tally(study.id).trials[TrialState.SUCCEEDED] == 26
    if parallelism == 1:
        assert store.history(study.id) == undisturbed(store)
    sent = [seen for seen in server.requests if not seen.query.get("watch")]
    assert Counter(seen.method for seen in sent)["POST"] == 2 * 26 + 1, "a Secret and a Job each, and the key"
    assert len(sent) <= 5 * 26 + 8
    assert server.attempt_secrets() == {}


@pytest.mark.slow
def test_lost_pods_of_all_kinds_change_nothing_for_the_search(
    store: Store, server: ApiServer, executor: KubernetesExecutor
) -> None:
    study = create(store, small_spec(retries="{infrastructure: 3, defect: 1, pause: 0}"))

    def play(server: ApiServer, job: Object) -> None:
        name = job["metadata"]["name"]
        trial, attempt = TASKS[name].trial, TASKS[name].attempt
        if attempt > 1 or trial % 6 == 0:
            play_success(server, job)
        elif trial % 6 == 1:
            end(server, name, code=137, reason="OOMKilled")
        elif trial % 6 == 2:
            server.remove("pods", f"{name}-x7k2p")
            finish(server, name, failed=True)
        elif trial % 6 == 3:
            server.remove("jobs", name)
        elif trial % 6 == 4:
            server.change(
                "pods", f"{name}-x7k2p", lambda pod: pod.update(status={"phase": "Failed", "reason": "Evicted"})
            )
            finish(server, name, failed=True)
        else:
            finish(server, name, failed=True, reason="PodFailurePolicy", message="has condition DisruptionTarget")
            server.remove("pods", f"{name}-x7k2p")

    with JobController(server, play):
        assert Orchestrator(store, study, executor, sleep=shortly).run() is StudyState.COMPLETED
    assert store.history(study.id) == undisturbed(store)
    tally = store.tally(study.id)
    assert tally.trials[TrialState.SUCCEEDED] == 26
    assert tally.failures[Failure.DEFECT] == 5
    assert server.jobs() == {}


@pytest.mark.slow
def test_a_search_through_a_storm_counts_every_trial_once(store: Store, server: ApiServer) -> None:
    """Every tenth request fails in one way or another, watches last a moment, and versions expire."""
    brief = timedelta(seconds=0.05)
    executor = make_executor(server, replace(TIMING, unavailable=brief, refused=brief))
    study = create(store, small_spec(execution="{parallelism: 4}"))
    server.watch_seconds = 0.05
    chance = random.Random(0)

    def trouble(seconds: float) -> None:
        time.sleep(0.005)
        if chance.random() < 0.2:
            method, path = chance.choice(
                [("GET", "watch"), ("GET", "pods"), ("GET", "limit"), ("POST", ""), ("DELETE", "")]
            )
            status = chance.choice([None, 429, 500, 503, 504])
            times = chance.choice([1, 2, 5])
            server.faults.append(
                Fault(method=method, path=path, status=status, after_effect=chance.random() < 0.5, times=times)
            )
        if chance.random() < 0.02:
            server.compact()

    with JobController(server, play_success) as cluster:
        assert Orchestrator(store, study, executor, sleep=trouble).run() is StudyState.COMPLETED
    assert len(cluster.played) == len(set(cluster.played)) == 26
    assert store.tally(study.id).trials[TrialState.SUCCEEDED] == 26
    server.faults.clear()
    executor.close()
    assert server.jobs() == {}


@pytest.mark.slow
def test_a_search_goes_on_past_names_that_other_peoples_jobs_have(
    store: Store, server: ApiServer, executor: KubernetesExecutor
) -> None:
    study = create(store, small_spec(execution="{parallelism: 2}"))
    foreign = {f"small-t{trial:05d}-a1" for trial in (0, 7)}
    for name in foreign:
        server.put("jobs", {"metadata": {"name": name, "labels": {"app": "other"}}, "spec": {}})
    with JobController(server, play_success):
        assert Orchestrator(store, study, executor, sleep=shortly).run() is StudyState.COMPLETED
    tally = store.tally(study.id)
    assert tally.trials[TrialState.SUCCEEDED] == 26
    assert tally.failures[Failure.INFRASTRUCTURE] == 2
    assert set(server.jobs()) == foreign


class Dead(BaseException):  # the orchestrator's end, no error of its own
    pass


@pytest.mark.slow
@pytest.mark.parametrize("after_create", [False, True])
def test_the_next_orchestrator_adopts_the_jobs_of_the_last(store: Store, server: ApiServer, after_create: bool) -> None:
    study = create(store, small_spec())
    steps = 0

    def perhaps_die() -> None:
        nonlocal steps
        steps += 1
        if steps % 2 == 0:
            raise Dead

    class Mortal(TaskKeeper):
        def start(self, name: str, task: TrialTask) -> None:
            if not after_create:
                perhaps_die()
            super().start(name, task)
            if after_create:
                perhaps_die()

    deaths = 0
    with JobController(server, play_success) as cluster:
        while store.study("small").state is StudyState.RUNNING:
            executor = Mortal(
                job_api(server), kubernetes_settings(), study_label(), role_prefix=ROLE_PREFIX, timing=TIMING
            )
            try:
                Orchestrator(store, study, executor, sleep=shortly).run()
            except Dead:
                deaths += 1
            finally:
                executor.close()
    assert deaths > 5
    assert len(cluster.played) == len(set(cluster.played)) == 26
    assert store.history(study.id) == undisturbed(store)
    assert server.jobs() == {}
    assert server.attempt_secrets() == {}


def test_a_cancelled_study_leaves_no_job_behind(store: Store, server: ApiServer, executor: KubernetesExecutor) -> None:
    study = create(store, small_spec(execution="{parallelism: 3}"))

    def cancel(seconds: float) -> None:
        shortly(seconds)
        if len(server.jobs()) == 3 and store.study("small").state is StudyState.RUNNING:
            store.move_study(study.id, StudyState.CANCELLED, message="by hand", now=study.created_at)

    with JobController(server, lambda *_: None):
        assert Orchestrator(store, study, executor, sleep=cancel).run() is StudyState.CANCELLED
    assert server.jobs() == {}
    assert server.objects["pods"] == {}


def test_a_study_that_is_cancelled_while_its_jobs_are_being_created_leaves_none(
    store: Store, server: ApiServer
) -> None:
    executor = make_executor(server, replace(TIMING, request_seconds=0.02))
    study = create(store, small_spec(execution="{parallelism: 3}"))
    creation = Fault(method="POST", path="/jobs", hang=PATIENCE_SECONDS, times=3)
    server.faults.append(creation)

    def cancel(seconds: float) -> None:
        shortly(seconds)
        if server.count("POST", "/jobs") >= 3 and store.study("small").state is StudyState.RUNNING:
            store.move_study(study.id, StudyState.CANCELLED, message="by hand", now=study.created_at)
            creation.let_go = True  # the next try creates it

    assert Orchestrator(store, study, executor, sleep=cancel).run() is StudyState.CANCELLED
    executor.close()
    assert server.count("POST", "/jobs") > 3
    assert server.jobs() == {}


@pytest.mark.slow
def test_a_configuration_that_cannot_work_stops_the_study_with_its_cause(
    store: Store, server: ApiServer, executor: KubernetesExecutor
) -> None:
    study = create(store, small_spec())

    def play(server: ApiServer, job: Object) -> None:
        end(server, job["metadata"]["name"], code=128, reason="StartError", message="nago-train: not found")

    with JobController(server, play):
        assert Orchestrator(store, study, executor, sleep=shortly).run() is StudyState.FAILED
    assert "nago-train: not found" in str(store.study("small").message)
    assert server.jobs() == {}


@pytest.mark.slow
def test_a_job_that_is_refused_for_good_is_its_attempt_s_trouble_alone(store: Store, server: ApiServer) -> None:
    # No answer is there before the observation is over.
    executor = make_executor(server, replace(TIMING, request_seconds=0.0))
    study = create(store, small_spec(retries="{infrastructure: 3, defect: 1, pause: 0}"))
    server.faults.append(Fault(method="POST", path="/jobs", status=422, message="denied by a policy"))
    with JobController(server, play_success):
        assert Orchestrator(store, study, executor, sleep=shortly).run() is StudyState.COMPLETED
    tally = store.tally(study.id)
    assert (tally.trials[TrialState.SUCCEEDED], tally.failures[Failure.DEFECT]) == (26, 1)
    executor.close()


def test_a_study_whose_jobs_are_all_refused_for_good_ends_and_says_why(store: Store, server: ApiServer) -> None:
    executor = make_executor(server, replace(TIMING, request_seconds=0.0))
    study = create(store, small_spec())
    server.faults.append(Fault(method="POST", path="/jobs", status=422, message="denied by a policy", times=10_000))
    assert Orchestrator(store, study, executor, sleep=shortly).run() is StudyState.FAILED
    assert "denied by a policy" in str(store.study("small").message)
    executor.close()
