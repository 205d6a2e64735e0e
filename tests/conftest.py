"""Fixtures that tests of several packages share."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg2
import pytest
from hypothesis import settings
from sqlalchemy import Engine, make_url

from nago_orchestrator.domain.space import FloatRange, IntegerRange, SearchSpace
from nago_orchestrator.store import versions
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.schema import metadata
from nago_orchestrator.store.store import Store
from nago_trainer.architecture.theta import HYPERPARAMETERS
from tests import postgres_server, processes
from tests.waiting import PATIENCE_SECONDS

# An example may take as long as the machine needs, and a failure comes again: the test alone decides what is drawn.
settings.register_profile("nago", deadline=None, derandomize=True)
settings.register_profile("quick", parent=settings.get_profile("nago"), max_examples=20)
settings.load_profile("nago")

QUICK = "not slow"
"""The expression by which `make test-quick` chooses. It tries the first examples of each property, `make test` all."""

END_SECONDS = 30.0
"""For processes that are about to end. It is spent only where one is left."""


def pytest_configure(config: pytest.Config) -> None:
    """A run that is terminated ends what its fixtures have started, as trainers would go on without it."""
    if config.getoption("markexpr") == QUICK:
        settings.load_profile("quick")
    signal.signal(signal.SIGTERM, _end_the_run)
    # As the Makefile has it: two workers and the trainers they start would fight over the cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _end_the_run(number: int, _frame: FrameType | None) -> None:
    pytest.exit(f"the run got {signal.Signals(number).name}", returncode=128 + number)


def pytest_collection_finish() -> None:
    """What collection has loaded stays: without this, the garbage collector looks through all of it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_process_outlives_the_session() -> Iterator[None]:
    """Made before all others, so that it looks when their ends are over."""
    session = processes.mark_session()
    yield
    # A fork server that was told to end may still be loading torch.
    processes.wait_for_end_of(session, END_SECONDS)
    left = []
    for process in processes.of_session(session):
        left.append(" ".join(process.cmdline()))
        process.kill()
    assert left == [], "started by a test, and still there"


@pytest.fixture(autouse=True)
def _processes_end_with_their_test() -> Iterator[None]:
    yield
    processes.end_started()


@pytest.fixture(scope="session")
def paper_space() -> SearchSpace:
    """The paper's: eight graph hyperparameters searched, ratios, operations and merges fixed."""
    dimensions: list[IntegerRange | FloatRange] = []
    fixed: dict[str, float | int] = {}
    for hyperparameter in HYPERPARAMETERS:
        if not isinstance(hyperparameter.default, tuple):
            fixed[hyperparameter.name] = hyperparameter.default
        elif hyperparameter.kind == "int":
            low, high = map(int, hyperparameter.default)
            dimensions.append(IntegerRange(name=hyperparameter.name, low=low, high=high))
        else:
            dimensions.append(
                FloatRange(name=hyperparameter.name, low=hyperparameter.default[0], high=hyperparameter.default[1])
            )
    return SearchSpace(generator="hnag", connected=False, dimensions=tuple(dimensions), fixed=fixed)


@pytest.fixture(scope="session")
def small_space(paper_space: SearchSpace) -> SearchSpace:
    """Two dimensions alone, so that a density model needs only six evaluations."""
    searched = ("top_nodes", "top_p")
    fixed = {"top_k": 4, "mid_nodes": 3, "mid_p": 0.5, "bottom_nodes": 4, "bottom_k": 2, "bottom_p": 0.5}
    return SearchSpace(
        generator="hnag",
        connected=False,
        dimensions=tuple(item for item in paper_space.dimensions if item.name in searched),
        fixed={**paper_space.fixed, **fixed},
    )


@dataclass
class PostgresDatabases:
    """Databases of one server: a shared one with the current schema, and empty ones."""

    server: str
    _made: list[str] = field(default_factory=list)
    _kept: dict[str, Any] = field(init=False)
    """Connections that stay open: to the server and to the shared database."""

    def __post_init__(self) -> None:
        self._kept = {self.server: None}

    def create(self, template: str = "template0") -> str:
        """The address of a new database, empty or a copy."""
        name = f"nago_test_{os.getpid()}_{len(self._made)}"
        self._made.append(name)
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return make_url(self.server).set(database=name).render_as_string(hide_password=False)

    def create_current(self) -> str:
        """The address of a new database with the current schema, as a copy: faster than to migrate it."""
        return self.create(template=make_url(self._migrated).database or "")

    def without_rows(self) -> str:
        """The address of the shared database, emptied: a hundred times as fast as a new one.

        TRUNCATE would make all its files anew. VACUUM takes out of them what is deleted, so that no test pays for those
        before it.
        """
        tables = [table.name for table in reversed(metadata.sorted_tables)]
        self.execute(
            ";".join(f"DELETE FROM {table}" for table in tables),
            "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence",
            f"VACUUM {', '.join(tables)}",
            address=self._shared,
        )
        return self._shared

    def execute(self, *statements: str, address: str | None = None) -> None:
        """As the server's administrator, outside any transaction."""
        with self._connection(address or self.server) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    @contextmanager
    def _connection(self, address: str) -> Iterator[Any]:
        """Most of what a short statement takes is to connect."""
        kept = self._kept.get(address)
        connection = kept if kept is not None and _answers(kept) else _connected(address)
        try:
            yield connection
        finally:
            if address in self._kept:
                self._kept[address] = connection
            else:
                connection.close()

    def close(self) -> None:
        for connection in self._kept.values():
            if connection is not None:
                connection.close()

    def drop_all(self) -> None:
        self.execute(*(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in self._made))

    @cached_property
    def _migrated(self) -> str:
        """Nobody connects to it, so that it can be copied."""
        address = self.create()
        versions.upgrade(address)
        return address

    @cached_property
    def _shared(self) -> str:
        address = self.create_current()
        self._kept[address] = None
        return address


def _connected(address: str) -> Any:
    connection = psycopg2.connect(make_url(address).set(drivername="postgresql").render_as_string(hide_password=False))
    connection.autocommit = True
    return connection


def _answers(connection: Any) -> bool:
    """A test may have ended all sessions."""
    try:
        connection.cursor().execute("SELECT 1")
    except psycopg2.Error:
        return False
    return True


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresDatabases]:
    """The server of NAGO_TEST_DATABASE_URL, or one of the tests' own."""
    given = os.environ.get("NAGO_TEST_DATABASE_URL")
    if given is None:
        with postgres_server.server() as address:
            databases = PostgresDatabases(address)
            yield databases
            databases.close()
    else:
        databases = PostgresDatabases(given)
        yield databases
        databases.drop_all()
        databases.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "nago.sqlite"
    versions.upgrade(str(path))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with the current schema and no rows, on both kinds. A test that changes the schema takes another."""
    if request.param == "postgresql":
        databases: PostgresDatabases = request.getfixturevalue("postgres")
        return databases.without_rows()
    return str(shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "nago.sqlite"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table, on both kinds."""
    if request.param == "postgresql":
        databases: PostgresDatabases = request.getfixturevalue("postgres")
        return databases.create()
    return str(tmp_path / "new" / "nago.sqlite")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = connect(database_url, busy_timeout_seconds=PATIENCE_SECONDS)
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)
