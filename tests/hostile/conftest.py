"""Two attempts of one study, A hostile and B honest, in a database whose owner is no superuser but may make roles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions
from sqlalchemy import Engine, make_url

from nago_orchestrator.domain.attempts import Attempt
from nago_orchestrator.domain.credentials import Credentials, derive, token_digest
from nago_orchestrator.domain.trial_design import build_task
from nago_orchestrator.domain.trials import Trial
from nago_orchestrator.executors.kubernetes.manifest.secret import address_for
from nago_orchestrator.store import versions
from nago_orchestrator.store.attempts import NewAttempt
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.schema import metadata
from nago_orchestrator.store.store import Store
from nago_trainer.attempt.postgres import AttemptDatabase
from nago_trainer.contract.reports import TrialResult
from tests.conftest import PostgresDatabases
from tests.store_scene import NEW_STUDY, NOW, Scene
from tests.trainer_scene import SMALL, SMALL_RESULT, small_trial

OWNER, PASSWORD = "nago_test_owner_of_roles", "secret"


@dataclass
class Attempted:
    """An attempt, and what its trainer knows."""

    trial: Trial
    attempt: Attempt
    given: Credentials
    address: str

    @property
    def role(self) -> str:
        assert self.given.login is not None
        return self.given.login.role

    def session(self) -> closing[extensions.connection]:
        """One that commits each statement."""
        made = psycopg2.connect(self.address, application_name="nago-train")
        made.autocommit = True
        return closing(made)

    def ask(self, statement: str, *arguments: object) -> list[Any]:
        with self.session() as session, session.cursor() as cursor:
            cursor.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def report(self, result: TrialResult = SMALL_RESULT) -> bool:
        with AttemptDatabase(self.address).session() as session:
            return session.add_result(result)


@dataclass
class Two:
    store: Store
    address: str
    """As the owner of the tables."""
    scene: Scene = field(init=False)

    def __post_init__(self) -> None:
        self.scene = Scene(self.store, self.store.create_study(NEW_STUDY, NOW))
        self.scene.propose(small_trial(), fidelity=3)
        self.scene.propose(small_trial(), fidelity=3)
        self.hostile, self.honest = (self._begin(trial) for trial in self.trials())

    def trials(self) -> tuple[Trial, ...]:
        return self.store.active_trials(self.scene.study.id)

    def _begin(self, trial: Trial) -> Attempted:
        name = f"{self.scene.study.name}-t{trial.number:05d}-a1"
        until = datetime.now(UTC) + timedelta(days=1)
        prefix = self.store.logins.prefix
        given = derive(b"the test's key", f"{name} {os.getpid()}", role_prefix=prefix, valid_until=until)
        assert given.login is not None
        design = self.store.trial_design(trial.id)
        attempt = self.store.add_attempt(
            trial.id,
            NewAttempt(
                name=name,
                token=token_digest(given.token),
                executor="kubernetes",
                gpus=1,
                task=build_task(design, SMALL, attempt=1, token="").to_json(),
                login=given.login,
            ),
            NOW,
        )
        address = make_url(self.address).set(drivername="postgresql").render_as_string(hide_password=False)
        return Attempted(trial, attempt, given, address_for(address, given.login.role, given.login.password))


@pytest.fixture(scope="session")
def owned_database(postgres: PostgresDatabases) -> Iterator[str]:
    """The address, as its owner: what an administrator is told to prepare."""
    address = postgres.create()
    with suppress(Exception):
        postgres.execute("CREATE ROLE nago_trainer NOLOGIN")
    name = make_url(address).database
    postgres.execute(
        f"DROP ROLE IF EXISTS {OWNER}",
        f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}' CREATEROLE",
        f"GRANT nago_trainer TO {OWNER} WITH ADMIN OPTION",
        f"ALTER DATABASE {name} OWNER TO {OWNER}",
    )
    postgres.execute(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC", f"GRANT ALL ON SCHEMA public TO {OWNER}", address=address
    )
    owned = make_url(address).set(username=OWNER, password=PASSWORD).render_as_string(hide_password=False)
    versions.upgrade(owned)
    yield owned
    postgres.execute(f"DROP DATABASE {name} {'WITH (FORCE)'}")
    engine = connect(postgres.server)
    with engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'nago_attempt_%%'").scalars()
        roles = list(left)
    engine.dispose()
    postgres.execute(*(f"DROP ROLE IF EXISTS {role}" for role in roles), f"DROP ROLE {OWNER}")


@pytest.fixture
def engine(owned_database: str) -> Iterator[Engine]:
    made = connect(owned_database)
    yield made
    made.dispose()


def empty(engine: Engine) -> None:
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")


@pytest.fixture
def two(engine: Engine, owned_database: str) -> Iterator[Two]:
    empty(engine)
    made = Two(Store(engine), owned_database)
    yield made
    empty(engine)
    assert made.store.logins.tidy(disabled=True) == 0
