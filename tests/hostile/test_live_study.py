"""A study with a hostile trainer among honest ones ends as if it had not been there."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg2
import pytest
from psycopg2 import extensions
from sqlalchemy import Engine, make_url

from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.store.store import Store
from nago_trainer.attempt.postgres import AttemptDatabase
from nago_trainer.contract.task import TrialTask
from tests.api_server import ApiServer, Object, api_server
from tests.executor_scene import TIMING
from tests.hostile.conftest import empty
from tests.job_controller import JobController, end, environment_of, report
from tests.kubernetes_access import job_api, kubernetes_settings, study_label
from tests.simulated_executor import SimulatedExecutor, succeed
from tests.studies import Orchestrator, create, small_spec

HOSTILE = "small-t00001-a1"
TASKS: dict[str, TrialTask] = {}


class TaskKeeper(KubernetesExecutor):
    """Knows the tasks as they were given: what a simulated training finds is computed from their very text."""

    def start(self, name: str, task: TrialTask) -> None:
        TASKS[name] = task
        super().start(name, task)


class Trainers:
    """What the pods' processes do. One holds its trial's row by a forged result that it never commits."""

    def __init__(self) -> None:
        self.held: extensions.connection | None = None

    def play(self, server: ApiServer, job: Object) -> None:
        variables = environment_of(server, job)
        name = job["metadata"]["name"]
        if name == HOSTILE:
            self._hold(server, name, variables["NAGO_DATABASE_URL"])
            return
        with AttemptDatabase(variables["NAGO_DATABASE_URL"]).session() as session:
            assert session.read_task() == replace(TASKS[name], token="").to_json()
            result = succeed(TASKS[name]).result
            assert result is not None
            assert session.add_result(result)
        end(server, name, message=report(server, job, result=result.to_json()))

    def _hold(self, server: ApiServer, name: str, address: str) -> None:
        if self.held is None:
            self.held = psycopg2.connect(address)
            with self.held.cursor() as cursor:
                result = succeed(TASKS[name]).result
                assert result is not None
                forged = replace(result, validation_accuracy=0.9999).to_json()
                cursor.execute("SELECT nago_add_result(%s::jsonb)", (json.dumps(forged),))
            return
        try:
            with self.held.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            end(server, name, code=1)


@pytest.fixture
def store(engine: Engine) -> Store:
    empty(engine)
    return Store(engine)


@contextmanager
def impatient(store: Store) -> Iterator[None]:
    """Ends trainers' transactions sooner than the loop does, which waits half a minute."""
    done = threading.Event()

    def tidy() -> None:
        while not done.wait(0.1):
            store.logins.tidy(longest=1)

    thread = threading.Thread(target=tidy)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.slow
def test_a_study_with_a_hostile_trainer_ends_as_without(store: Store, engine: Engine, owned_database: str) -> None:
    study = create(store, small_spec(search="{algorithm: random, proposals: 8}", execution="{parallelism: 3}"))
    address = make_url(owned_database).set(drivername="postgresql").render_as_string(hide_password=False)
    trainers = Trainers()
    with impatient(store), api_server() as server, JobController(server, trainers.play):
        server.objects["secrets"]["nago"]["data"]["url"] = base64.b64encode(address.encode()).decode()
        executor = TaskKeeper(
            job_api(server), kubernetes_settings(), study_label(), role_prefix=store.logins.prefix, timing=TIMING
        )
        try:
            orchestrator = Orchestrator(store, study, executor, sleep=lambda _: time.sleep(0.005))
            assert orchestrator.run() is StudyState.COMPLETED
        finally:
            executor.close()
            if trainers.held is not None:
                trainers.held.close()
        assert server.jobs() == {}
        assert server.attempt_secrets() == {}
    assert trainers.held is not None, "the hostile trainer was there"
    assert store.trial_counts(study.id)[TrialState.SUCCEEDED] == 8
    elsewhere = create(store, small_spec(search="{algorithm: random, proposals: 8}", name="elsewhere"))
    Orchestrator(store, elsewhere, SimulatedExecutor()).run()
    found, wanted = ({item.proposal: item.values for item in store.history(one.id)[1]} for one in (study, elsewhere))
    assert found == wanted
    assert store.logins.tidy(disabled=True) == 0
    with engine.connect() as connection:
        left = connection.exec_driver_sql(
            f"SELECT count(*) FROM pg_roles WHERE starts_with(rolname::text, '{store.logins.prefix}')"
        ).scalar_one()
    assert left == 0
