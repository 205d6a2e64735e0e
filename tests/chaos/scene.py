"""A live study with everything around it that can be disturbed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.services.studies import submit_study
from nago_orchestrator.spec import load_study_spec
from nago_orchestrator.store.schema import attempt, epoch, evaluation, proposal, result, study, trial
from tests.chaos.database import Database, database
from tests.chaos.orchestrators import Orchestrators
from tests.chaos.plan import Round, Setup
from tests.chaos.roles import MARK, Roles, roles
from tests.chaos.small_disk import small_disk
from tests.chaos.study_file import write_study_file

STUDY_MEGABYTES = 48
_WRITTEN = (proposal, trial, attempt, result, epoch, evaluation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    mark: str
    disk: Path
    """Of the runs, and of the database where it is a file."""
    database: Database
    orchestrators: Orchestrators

    def roles(self) -> Roles:
        return roles(self.mark, self.disk)

    def look_after(self) -> None:
        self.orchestrators.keep_at_work()

    def is_over(self) -> bool:
        return self.orchestrators.completed

    def rows(self) -> int | None:
        """How many the study has written; None while the database does not answer."""
        if not self.database.may_answer():
            return None
        try:
            with self.database.engine.connect() as connection:
                return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in _WRITTEN)
        except SQLAlchemyError:
            return None


@contextmanager
def scene(planned: Round, folder: Path) -> Iterator[Scene]:
    """`folder`: empty; keeps the logs, the disks are gone at the end."""
    disk = folder / "disk"
    mark = uuid.uuid4().hex
    with small_disk(disk, megabytes=STUDY_MEGABYTES), database(planned, disk) as made:
        environment = {
            **os.environ,
            MARK: mark,
            "NAGO_DATABASE_URL": made.address,
            "XDG_DATA_HOME": str(disk / "data"),
            "NAGO_CHECKPOINT_SECONDS": "0",  # every epoch writes one, so that most retries resume
            "OMP_NUM_THREADS": "1",
            "NO_COLOR": "1",
        }
        file = write_study_file(folder, planned)
        orchestrators = Orchestrators(
            folder=folder,
            environment=environment,
            command=("submit", str(file)),
            inside=None if made.cable is None else made.cable.inside,
        )
        if planned.setup is Setup.SERVE:
            submit_study(load_study_spec(str(file)), made.address, datetime.now(UTC))
            orchestrators.command = ("serve", "--where", "local", "--port", "0")
            orchestrators.asked_to_leave = partial(_is_over, made)
        yield Scene(mark=mark, disk=disk, database=made, orchestrators=orchestrators)


def _is_over(database: Database) -> bool:
    """False while the database does not answer."""
    if not database.may_answer():
        return False
    try:
        with database.engine.connect() as connection:
            return connection.scalar(select(study.c.state)) != StudyState.RUNNING
    except SQLAlchemyError:
        return False
