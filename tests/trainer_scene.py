"""A trial whose attempts read their task from PostgreSQL, each with its login; and the login that all had before."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy import make_url

from nago_orchestrator.domain.attempts import Attempt
from nago_orchestrator.domain.credentials import Credentials, derive, token_digest
from nago_orchestrator.domain.states import Failure, TrialState
from nago_orchestrator.domain.trial_design import build_task, design_trial
from nago_orchestrator.domain.trials import NewTrial, Trial
from nago_orchestrator.executors.kubernetes.manifest.secret import address_for
from nago_orchestrator.store.attempts import NewAttempt
from nago_orchestrator.store.store import Store
from nago_trainer.architecture.theta import HYPERPARAMETERS
from nago_trainer.attempt.postgres import AttemptDatabase
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.contract.task import TrialTask
from tests import processes
from tests.store_scene import NEW_STUDY, NOW, RECIPE, RESULT, Scene

USER, PASSWORD = "nago_test_trainer", "secret"
CREATE_USER = f"""
DO $$ BEGIN
    CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}' IN ROLE nago_trainer;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$
"""
THETA = {
    **{item.name: item.default for item in HYPERPARAMETERS if not isinstance(item.default, tuple)},
    "top_nodes": 3,
    "top_k": 2,
    "top_p": 0.5,
    "mid_nodes": 1,
    "mid_p": 0.5,
    "bottom_nodes": 1,
    "bottom_k": 0,
    "bottom_p": 0.0,
}
SMALL = replace(RECIPE, parameter_limit=5000)


def small_trial(replicate: int = 0) -> NewTrial:
    """A network of three nodes, which trains on digits in a moment."""
    return design_trial(
        THETA, SMALL, connected=False, replicate=replicate, architecture_seed=0, training_seed=7 + replicate
    )


SMALL_RESULT = replace(RESULT, parameters=small_trial().parameters)
"""One that a trainer of this trial can have measured."""


def as_trainer(address: str) -> str:
    """The same database, as the trainers' user."""
    url = make_url(address).set(drivername="postgresql", username=USER, password=PASSWORD)
    return url.render_as_string(hide_password=False)


@dataclass
class TrainerScene:
    store: Store
    address: str
    """As the user that attempts of the version before share."""
    folder: Path
    epochs: int = 3
    scene: Scene = field(init=False)
    given: dict[str, Credentials] = field(default_factory=dict)
    """By attempt."""

    def __post_init__(self) -> None:
        self.scene = Scene(self.store, self.store.create_study(NEW_STUDY, NOW))
        self.scene.propose(small_trial(), fidelity=self.epochs)

    @property
    def trial(self) -> Trial:
        (found,) = self.store.active_trials(self.scene.study.id)
        return found

    def attempt(self) -> Attempt:
        """The next one, with its task in the database and a login."""
        number = len(self.trial.attempts) + 1
        given = derive(
            b"the test's key",
            f"{self.name_of(number)} {os.getpid()}",
            role_prefix=self.store.logins.prefix,
            valid_until=datetime.now(UTC) + timedelta(days=1),
        )
        return self._add(number, given)

    def former_attempt(self) -> Attempt:
        """The next one, as the version before began it: without a login of its own."""
        number = len(self.trial.attempts) + 1
        return self._add(number, Credentials(token=f"token-{number}-{os.getpid()}"))

    def name_of(self, number: int) -> str:
        return f"{self.scene.study.name}-t{self.trial.number:05d}-a{number}"

    def _add(self, number: int, given: Credentials) -> Attempt:
        name = self.name_of(number)
        self.given[name] = given
        return self.store.add_attempt(
            self.trial.id,
            NewAttempt(
                name=name,
                token=token_digest(given.token),
                executor="kubernetes",
                gpus=1,
                task=self.task(number, "").to_json(),
                login=given.login,
            ),
            NOW,
        )

    def address_of(self, attempt: Attempt) -> str:
        """As the trainer of that attempt has it."""
        login = self.given[attempt.name].login
        if login is None:
            return self.address
        return address_for(self.address, login.role, login.password)

    def token_of(self, attempt: Attempt) -> str:
        return self.given[attempt.name].token

    def task(self, number: int = 1, token: str = "token") -> TrialTask:
        return build_task(self.store.trial_design(self.trial.id), SMALL, attempt=number, token=token)

    def ask(self, statement: str, *arguments: object, by: Attempt | None = None) -> Any:
        """With an attempt's login or the one that all had before, in a session of its own."""
        address = self.address if by is None else self.address_of(by)
        with closing(psycopg2.connect(address)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchone()[0] if cursor.description else None

    def read(self, attempt: Attempt) -> dict[str, Any] | None:
        with AttemptDatabase(self.address_of(attempt)).session() as session:
            return session.read_task()

    def add(self, attempt: Attempt, item: EpochRecord | TrialResult = SMALL_RESULT) -> bool:
        with AttemptDatabase(self.address_of(attempt)).session() as session:
            return session.add_epoch(item) if isinstance(item, EpochRecord) else session.add_result(item)

    def lose(self, attempt: Attempt) -> None:
        self.scene.fail(attempt, Failure.INFRASTRUCTURE, TrialState.QUEUED)

    @property
    def message(self) -> Path:
        return self.folder / "termination-log"

    def environment(self, attempt: Attempt, **more: str) -> dict[str, str]:
        own = {
            "NAGO_ATTEMPT": attempt.name,
            "NAGO_TRIAL": "0",
            "NAGO_TOKEN": self.token_of(attempt),
            "NAGO_DATABASE_URL": self.address_of(attempt),
            "NAGO_SCRATCH": str(self.folder),
            "NAGO_TERMINATION_LOG": str(self.message),
            "OMP_NUM_THREADS": "1",
        }
        return {**os.environ, **own, **more}

    def start(self, attempt: Attempt, **more: str) -> subprocess.Popen[str]:
        return processes.start(
            [sys.executable, "-m", "nago_trainer", "run"],
            env=self.environment(attempt, **more),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.folder,
        )
