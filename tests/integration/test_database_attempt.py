"""`nago-train run` as a container runs it: the task from PostgreSQL, the result into it, whatever happens."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.store import versions
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.schema import attempt as attempt_table
from nago_orchestrator.store.schema import epoch
from nago_orchestrator.store.store import Store
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.reports import TrialResult
from tests.conftest import PostgresDatabases
from tests.postgres_server import PostgresServer, own_server
from tests.store_scene import ENDED, NOW
from tests.trainer_scene import CREATE_USER, TrainerScene, as_trainer
from tests.waiting import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow  # every test starts a trainer


@pytest.fixture
def engine(postgres: PostgresDatabases) -> Iterator[Engine]:
    opened = connect(postgres.without_rows())
    yield opened
    opened.dispose()


@pytest.fixture
def make_scene(engine: Engine, postgres: PostgresDatabases, tmp_path: Path) -> Callable[[int], TrainerScene]:
    address = engine.url.render_as_string(hide_password=False)
    postgres.execute(CREATE_USER, address=address)
    return lambda epochs: TrainerScene(Store(engine), as_trainer(address), tmp_path, epochs)


def _count_epochs(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(epoch)) or 0


def test_an_attempt_from_its_task_to_its_result(make_scene: Callable[[int], TrainerScene], engine: Engine) -> None:
    scene = make_scene(3)
    new = scene.attempt()
    process = scene.start(new)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == ExitCode.DONE, errors
    trial = scene.trial
    assert (trial.state, trial.result is not None) == (TrialState.RUNNING, True)
    assert trial.result is not None
    assert (trial.result.epochs, trial.result.network) == (3, None)
    assert _count_epochs(engine) == 3
    message = json.loads(scene.message.read_text())
    assert message["token"] == scene.token_of(new)
    assert TrialResult.from_json(message["result"]) == trial.result
    assert [line.split(":")[0] for line in errors.splitlines() if line.startswith("epoch")] == [
        "epoch 1",
        "epoch 2",
        "epoch 3",
    ]
    scene.store.accept_result(new.id, trial.result, observation=ENDED, now=NOW)
    with engine.connect() as connection:
        assert connection.scalar(select(attempt_table.c.task)) is None


def test_a_preempted_attempt_is_gone_on_with(make_scene: Callable[[int], TrainerScene], engine: Engine) -> None:
    """The second attempt reports every epoch as its own, and what remains is a network and no checkpoint."""
    scene = make_scene(40)
    place = scene.folder / "checkpoints"
    first = scene.attempt()
    process = scene.start(first, NAGO_CHECKPOINTS=str(place))
    until(lambda: _count_epochs(engine) >= 3)
    process.terminate()
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == ExitCode.PREEMPTED, errors
    assert scene.trial.result is None
    scene.lose(first)
    done = _count_epochs(engine)
    second = scene.start(scene.attempt(), NAGO_CHECKPOINTS=str(place))
    _, errors = second.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == ExitCode.DONE, errors
    result = scene.trial.result
    assert result is not None
    assert (result.epochs, _count_epochs(engine) - done) == (40, 40)
    network = place / "digits-demo" / "t00000" / "network.pt"
    assert result.network == str(network)
    assert [file for file in place.rglob("*") if file.is_file()] == [network]


def test_an_attempt_that_nobody_waits_for_ends_itself(
    make_scene: Callable[[int], TrainerScene], engine: Engine
) -> None:
    scene = make_scene(100_000)
    stale = scene.attempt()
    process = scene.start(stale)
    until(lambda: _count_epochs(engine) >= 1)
    scene.lose(stale)
    scene.attempt()
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == ExitCode.BUSY, errors
    assert "a newer one has replaced it" in errors
    assert not scene.message.exists()


def test_an_attempt_that_is_over_does_not_begin(make_scene: Callable[[int], TrainerScene], engine: Engine) -> None:
    scene = make_scene(3)
    over = scene.attempt()
    scene.lose(over)
    process = scene.start(over)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, _count_epochs(engine)) == (ExitCode.BUSY, 0)
    assert "has ended already" in errors


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("NAGO_TOKEN", "", "NAGO_TOKEN is not set"),
        ("NAGO_DATABASE_URL", "/tmp/nago.sqlite", "invalid NAGO_DATABASE_URL: write postgresql://"),
        ("NAGO_DATABASE_URL", "postgresql://a:se%zzcret@h/d", "invalid address of the database"),
        ("NAGO_CHECKPOINT_SECONDS", "often", "must be a number of seconds"),
    ],
)
def test_a_wrong_environment_is_told_in_one_sentence(
    make_scene: Callable[[int], TrainerScene], variable: str, value: str, message: str
) -> None:
    scene = make_scene(3)
    process = scene.start(scene.attempt(), **{"NAGO_CHECKPOINTS": str(scene.folder), variable: value})
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == ExitCode.BAD_TASK, errors
    assert message in errors
    assert errors.count("\n") == 1
    assert "secret" not in errors
    assert "cret@" not in errors
    if value and scene.message.exists():
        assert message in json.loads(scene.message.read_text())["failure"]["message"]


@pytest.fixture
def server(postgres: PostgresDatabases) -> Iterator[PostgresServer]:
    """One that may be stopped. (`postgres` first: it says what to do where there are no server programs.)"""
    with own_server() as started:
        yield started


@pytest.fixture
def own_engine(server: PostgresServer) -> Iterator[Engine]:
    versions.upgrade(server.address)
    opened = connect(server.address)
    with opened.begin() as connection:
        connection.exec_driver_sql(CREATE_USER)
    yield opened
    opened.dispose()


def test_a_database_that_is_away_for_a_while_loses_nothing(
    server: PostgresServer, own_engine: Engine, tmp_path: Path
) -> None:
    scene = TrainerScene(Store(own_engine), as_trainer(server.address), tmp_path, epochs=60)
    process = scene.start(scene.attempt())
    until(lambda: _count_epochs(own_engine) >= 2)
    server.stop()
    until(lambda: scene.message.exists() and process.poll() is None)  # trained to the end meanwhile
    server.start()
    own_engine.dispose()
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == ExitCode.DONE, errors
    assert "the database does not answer, next try" in errors
    assert _count_epochs(own_engine) == 60
    assert scene.trial.result == TrialResult.from_json(json.loads(scene.message.read_text())["result"])


def test_a_database_that_stays_away_leaves_the_result_in_the_message(
    server: PostgresServer, own_engine: Engine, tmp_path: Path
) -> None:
    scene = TrainerScene(Store(own_engine), as_trainer(server.address), tmp_path, epochs=20)
    process = scene.start(scene.attempt())
    until(lambda: _count_epochs(own_engine) >= 2)
    server.stop()
    until(lambda: scene.message.exists())
    process.send_signal(signal.SIGTERM)  # with the message written, nothing is lost by ending now
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == ExitCode.DONE, errors
    assert TrialResult.from_json(json.loads(scene.message.read_text())["result"]).epochs == 20
    server.start()
    own_engine.dispose()
    assert scene.trial.result is None


def test_a_trainer_waits_for_a_database_that_is_away_at_its_start(
    server: PostgresServer, own_engine: Engine, tmp_path: Path
) -> None:
    scene = TrainerScene(Store(own_engine), as_trainer(server.address), tmp_path, epochs=1)
    new = scene.attempt()
    server.stop()
    process = scene.start(new)
    assert process.stderr is not None
    told = process.stderr.readline()  # it has tried, and tries again
    assert "cannot reach the database, next try" in told, told
    assert process.poll() is None
    server.start()
    own_engine.dispose()
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == ExitCode.DONE, errors
    assert scene.trial.result is not None
