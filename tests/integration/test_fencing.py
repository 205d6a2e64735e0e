"""Whoever was replaced writes nothing more: each transaction shows the token of its own lease."""

from __future__ import annotations

import inspect
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from nago_orchestrator.domain.credentials import Login, derive
from nago_orchestrator.domain.dataset import DatasetSummary
from nago_orchestrator.domain.lease import Wish
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.errors import HeldError, TakenOverError
from nago_orchestrator.store import lease_rows, store, transactions
from nago_orchestrator.store.data_checks import DataChecks
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.lock import Terms
from nago_orchestrator.store.schema import metadata
from nago_orchestrator.store.store import Store
from tests import processes
from tests.conftest import PostgresDatabases
from tests.store_scene import ENDED, EPOCH, NEW_STUDY, NOW, RECIPE, RESULT, Scene
from tests.waiting import PATIENCE_SECONDS, until

SHORT = Terms(term=timedelta(seconds=2), renewal=timedelta(seconds=0.5))
RIVAL = Wish(holder="pid 8 on the other node", process=None, term=timedelta(hours=1))

DATASET = DatasetSummary(images=20, classes=2, training=16, validation=4, steps_per_epoch=2, left_out={})


def _login() -> Login:
    found = derive(b"key", "small-t00000-a1", role_prefix="nago_attempt_fenced_", valid_until=NOW).login
    assert found is not None
    return found


Write = Callable[[Scene], object]
WRITES: dict[str, Write] = {
    "create_study": lambda scene: scene.store.create_study(NEW_STUDY, NOW),
    "move_study": lambda scene: scene.store.move_study(scene.study.id, StudyState.PAUSED, message=None, now=NOW),
    "set_dataset": lambda scene: scene.store.set_dataset(scene.study.id, RECIPE, DATASET),
    "note_running_time": lambda scene: scene.store.note_running_time(scene.study.id, 7.0),
    "add_proposal": lambda scene: scene.propose(),
    "add_evaluation": lambda scene: scene.evaluate(0, 1.0, 1.0),
    "cancel_trials": lambda scene: scene.store.cancel_trials(scene.study.id, NOW),
    "add_attempt": lambda scene: scene.attempt(1, running=False),
    "renew_attempt": lambda scene: scene.store.renew_attempt(1, token="another", login=_login()),
    "claim": lambda scene: scene.store.claim([1]),
    "mark_running": lambda scene: scene.store.mark_running(1, node="here", uid=None, now=NOW),
    "note_waiting": lambda scene: scene.store.note_waiting(1, reason="NoRoom", message="all nodes are full", now=NOW),
    "record_epochs": lambda scene: scene.store.record_epochs(1, [EPOCH], NOW),
    "accept_result": lambda scene: scene.store.accept_result(1, RESULT, observation=ENDED, now=NOW),
    "end_attempt": lambda scene: scene.store.end_attempt(
        1,
        state=AttemptState.FAILED,
        failure=Failure.DEFECT,
        observation=None,
        trial_to=TrialState.FAILED,
        not_before=None,
        now=NOW,
    ),
    "discard_result": lambda scene: scene.store.discard_result(1),
    "data_checks.add": lambda scene: scene.store.data_checks.add(scene.study.id, 2, NOW, NOW),
    "data_checks.note": lambda scene: scene.store.data_checks.note(
        scene.study.id, 1, AttemptState.CREATED, "NoRoom", "all nodes are full"
    ),
    "data_checks.end": lambda scene: scene.store.data_checks.end(
        scene.study.id,
        replace(scene.store.data_checks.last(scene.study.id)[0], state=AttemptState.CANCELLED, ended_at=NOW),
    ),
}
"""Every public method that writes, on a study with two proposals, one attempt and one data check."""


def test_no_writing_method_is_missing_here() -> None:
    assert _writing(Store) | {f"data_checks.{name}" for name in _writing(DataChecks)} == WRITES.keys()
    begins = [line for line in inspect.getsource(transactions).splitlines() if "writing(" in line]
    assert len(begins) == 1, "a second place where writing begins would have to show the token, too"
    assert "writing(" not in inspect.getsource(store)


def _writing(kind: type) -> set[str]:
    methods = inspect.getmembers(kind, inspect.isfunction)
    return {name for name, method in methods if "self._write()" in inspect.getsource(method) and name[0] != "_"}


@pytest.fixture
def busy(scene: Scene) -> Scene:
    scene.propose()
    scene.propose()
    scene.attempt(0, running=False)
    scene.store.data_checks.add(scene.study.id, 1, NOW, NOW)
    return scene


def contents(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(table.select())] for table in metadata.sorted_tables
        }


@pytest.mark.parametrize("together", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_write_under_an_older_token_is_refused(busy: Scene, engine: Engine, write: Write, together: bool) -> None:
    study = busy.study.id
    with busy.store.hold(study, "the old one"):
        lease_rows.take(engine, study, RIVAL, others_are_gone=True)
        before = contents(engine)
        transaction = busy.store.together() if together else nullcontext()
        with (
            pytest.raises(TakenOverError, match=r"'digits-demo' was taken over from this .* \(pid 8 on the other"),
            transaction,
        ):
            write(busy)
        assert contents(engine) == before
    assert contents(engine)["lease"] == before["lease"], "not the old one's to release"


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_the_holder_writes(busy: Scene, write: Write) -> None:
    with busy.store.hold(busy.study.id, "me"):
        write(busy)


def test_commands_write_requests_whoever_holds_the_study(busy: Scene, engine: Engine) -> None:
    with Store(engine).hold(busy.study.id, "another"):
        busy.store.move_study(busy.study.id, StudyState.PAUSED, message=None, now=NOW)


def test_a_lease_that_is_gone_with_a_restored_database_refuses_too(busy: Scene, engine: Engine) -> None:
    with busy.store.hold(busy.study.id, "the old one"):
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM lease"))
        with pytest.raises(TakenOverError):
            busy.propose()


FROZEN = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.errors import NagoError
from nago_orchestrator.store.lock import Terms
from nago_orchestrator.store.store import open_store

address, study, where = sys.argv[1], int(sys.argv[2]), sys.argv[3]
store = open_store(address)
now = datetime.now(UTC)


def write():
    store.move_study(study, StudyState.PAUSED, message="by the one that was frozen", now=now)


try:
    with store.hold(study, "the frozen one", Terms(term=timedelta(seconds=2), renewal=timedelta(seconds=0.5))) as hold:
        if where == "in a transaction":
            with store.together():
                write()
                os.kill(os.getpid(), signal.SIGSTOP)
        else:
            os.kill(os.getpid(), signal.SIGSTOP)
            if where == "between two looks":
                hold.still_held()
            write()
    print("it wrote")
except NagoError as error:
    print(error)
"""


def _is_stopped(process: subprocess.Popen[str]) -> bool:
    return os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None


def _frozen(address: str, study: int, where: str) -> subprocess.Popen[str]:
    process = processes.start([sys.executable, "-c", FROZEN, address, str(study), where], stdout=subprocess.PIPE)
    until(lambda: _is_stopped(process))
    return process


def takes(store: Store, study: int) -> bool:
    try:
        with store.hold(study, "the next one", SHORT):
            return True
    except HeldError:
        return False


@pytest.mark.parametrize(
    ("where", "told"),
    [
        pytest.param("before a write", "was taken over from this process", marks=pytest.mark.slow),
        pytest.param("between two looks", "was taken over from this process", marks=pytest.mark.slow),
        pytest.param("in a transaction", "", marks=pytest.mark.slow),
    ],
)
def test_a_frozen_holder_is_replaced_and_writes_nothing_when_it_wakes(
    postgres: PostgresDatabases, where: str, told: str
) -> None:
    address = postgres.without_rows()
    store = Store(connect(address, busy_timeout_seconds=PATIENCE_SECONDS))
    study = store.create_study(NEW_STUDY, NOW).id
    process = _frozen(address, study, where)
    until(lambda: takes(store, study))
    process.send_signal(signal.SIGCONT)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert told in output
    assert "it wrote" not in output
    assert store.study(NEW_STUDY.name).state is StudyState.RUNNING
    store.close()


def test_a_frozen_holder_of_a_file_keeps_it_and_is_named(sqlite_template: Path, tmp_path: Path) -> None:
    sqlite_url = str(shutil.copy(sqlite_template, tmp_path / "nago.sqlite"))
    store = Store(connect(sqlite_url))
    study = store.create_study(NEW_STUDY, NOW).id
    process = _frozen(sqlite_url, study, "before a write")
    with pytest.raises(HeldError, match=r"already run by another process \(the frozen one\)"):
        store.hold(study, "the next one", SHORT).__enter__()
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=PATIENCE_SECONDS)[0] == "it wrote\n"


def test_a_holder_that_thinks_for_long_keeps_its_lease_meanwhile(postgres: PostgresDatabases) -> None:
    """Renewed by a thread of its own; the long term leaves the test alone with how fast the machine is."""
    engine = connect(postgres.without_rows())
    store = Store(engine)
    study = store.create_study(NEW_STUDY, NOW).id

    def end() -> object:
        return contents(engine)["lease"][0][-1]

    with store.hold(study, "the thinker", Terms(term=timedelta(hours=1), renewal=timedelta(seconds=0.05))):
        for _ in range(3):
            last = end()
            until(lambda last=last: end() != last)  # type: ignore[misc]  # a default binds the loop's variable
    assert end() is None, "released"
    store.close()
