"""Studies on PostgreSQL behind PgBouncer in transaction mode, and beside each other in two schemas of one database."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url

from nago_orchestrator.bootstrap import runs_folder
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.errors import HeldError, TakenOverError
from nago_orchestrator.services.study_status import read_status
from nago_orchestrator.store import versions
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.store import Store, open_store
from tests import processes
from tests.conftest import PostgresDatabases
from tests.integration.test_fencing import FROZEN, SHORT, takes
from tests.pgbouncer import pooled
from tests.simulated_executor import SimulatedExecutor
from tests.store_scene import NEW_STUDY, NOW
from tests.studies import Orchestrator, create, small_spec
from tests.waiting import until

ORCHESTRATORS = 2
TWO_TRIALS = "{algorithm: random, proposals: 2}"


@pytest.fixture(params=[1, 5], ids=["1 connection", "5 connections"])
def pooled_url(request: pytest.FixtureRequest, postgres: PostgresDatabases) -> Iterator[str]:
    with pooled(postgres.without_rows(), connections=request.param) as address:
        yield address


@pytest.mark.slow
def test_exactly_one_of_two_orchestrators_runs_a_study_to_its_end(pooled_url: str) -> None:
    study = create(open_store(pooled_url), small_spec())
    refused = threading.Event()
    executor = SimulatedExecutor()

    def run(_: int) -> StudyState | str:
        store = Store(connect(pooled_url))
        try:
            # The one that runs it waits for the other's refusal: else it might be over before the other begins.
            return Orchestrator(store, study, executor, sleep=lambda seconds: _wait(refused)).run()
        except HeldError as error:
            refused.set()
            return str(error)
        finally:
            store.close()

    with ThreadPoolExecutor(ORCHESTRATORS) as pool:
        ends = sorted(pool.map(run, range(ORCHESTRATORS)), key=len)
    assert ends[0] is StudyState.COMPLETED
    assert "already run by another process (pid " in ends[1]
    assert len(executor.started) == len(set(executor.started)) == 26
    store = open_store(pooled_url)
    assert {state: count for state, count in store.trial_counts(study.id).items() if count} == {
        TrialState.SUCCEEDED: 26
    }
    assert store.holder(study.id) is None


def _wait(refused: threading.Event) -> None:
    refused.wait()
    time.sleep(0.001)


@pytest.mark.slow
def test_one_that_is_frozen_with_the_only_connection_is_replaced(postgres: PostgresDatabases) -> None:
    with pooled(postgres.without_rows(), connections=1) as address:
        store = Store(connect(address))
        study = store.create_study(NEW_STUDY, NOW).id
        process = processes.start([sys.executable, "-c", FROZEN, address, str(study), "in a transaction"])
        until(lambda: os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT))
        until(lambda: takes(store, study))
        process.send_signal(signal.SIGCONT)
        process.wait()
        assert store.study(NEW_STUDY.name).state is StudyState.RUNNING
        store.close()


@pytest.mark.slow
def test_one_that_is_cut_off_is_replaced_and_writes_nothing_when_the_network_is_back(
    postgres: PostgresDatabases,
) -> None:
    address = postgres.without_rows()
    direct = Store(connect(address))
    study = direct.create_study(NEW_STUDY, NOW).id
    with pooled(address, connections=5) as through:
        pooler = int((Path(str(make_url(through).query["host"])) / "pid").read_text())
        cut_off = Store(connect(through))
        with cut_off.hold(study, "the one that is cut off", SHORT):
            os.kill(pooler, signal.SIGSTOP)
            until(lambda: takes(direct, study))
            os.kill(pooler, signal.SIGCONT)
            with pytest.raises(TakenOverError):
                cut_off.move_study(study, StudyState.PAUSED, message=None, now=NOW)
        cut_off.close()
    assert direct.study(NEW_STUDY.name).state is StudyState.RUNNING
    direct.close()


def test_the_schema_is_made_and_read_through_a_pooler(postgres: PostgresDatabases) -> None:
    with pooled(postgres.create(), connections=1) as address:
        with ThreadPoolExecutor(3) as pool:
            ends = list(pool.map(lambda _: versions.upgrade(address).state, range(3)))
        assert ends == [versions.SchemaState.CURRENT] * 3


def test_a_command_reads_all_that_it_shows_through_one_connection(postgres: PostgresDatabases) -> None:
    """It asks who holds the study while it reads the study."""
    with pooled(postgres.without_rows(), connections=1) as address:
        store = Store(connect(address))
        study = create(store, small_spec(search=TWO_TRIALS))
        assert Orchestrator(store, study, SimulatedExecutor()).run() is StudyState.COMPLETED
        with store.hold(study.id, "pid 7"):
            look = read_status(connect(address), "small")
        assert (look.holder, look.finished) == ("pid 7", 2)
        store.close()


def test_logins_are_tidied_through_one_connection(postgres: PostgresDatabases) -> None:
    """A transaction that waits for a second connection is ended by the server after a while."""
    with pooled(postgres.without_rows(), connections=1) as address:
        store = Store(connect(address))
        assert store.logins.tidy() == 0
        store.close()


def test_what_a_transaction_sets_for_itself_is_not_left_in_the_pool(postgres: PostgresDatabases) -> None:
    with pooled(postgres.without_rows(), connections=1) as address:
        Store(connect(address)).create_study(NEW_STUDY, NOW)
        engine = connect(address)
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            for name in ("lock_timeout", "idle_in_transaction_session_timeout"):
                assert connection.exec_driver_sql(f"SHOW {name}").scalar() == "0", name
        engine.dispose()


def test_two_schemas_of_one_database_are_independent(postgres: PostgresDatabases) -> None:
    address = postgres.create()
    stores = [_in_schema(postgres, address, name) for name in ("one", "two")]
    studies = [create(store, small_spec(search=TWO_TRIALS)) for store in stores]
    assert studies[0].id == studies[1].id
    with stores[0].hold(studies[0].id, "of one"):
        assert stores[1].holder(studies[1].id) is None
        with stores[1].hold(studies[1].id, "of two"):
            assert [store.holder(1) for store in stores] == ["of one", "of two"]
            executor = SimulatedExecutor()
    assert Orchestrator(stores[1], studies[1], executor).run() is StudyState.COMPLETED
    assert stores[0].trial_counts(studies[0].id)[TrialState.SUCCEEDED] == 0
    assert runs_folder(stores[0]) != runs_folder(stores[1])
    for store in stores:
        store.close()


def _in_schema(postgres: PostgresDatabases, address: str, name: str) -> Store:
    postgres.execute(f"CREATE SCHEMA {name}", address=address)
    url = make_url(address).update_query_dict({"options": f"-csearch_path={name}"})
    inside = url.render_as_string(hide_password=False)
    versions.upgrade(inside)
    return open_store(inside)
