"""One attempt at a trial whose task is in the database: read it, train, report. `nago-train run` without a folder.

All that it is given are environment variables, whose names and meanings are in `nago_trainer.contract.attempt_files`.
Networks are saved beside the checkpoints, and not at all without a folder for those.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nago_trainer.attempt.database_report import (
    BACK_OFF,
    DatabaseReport,
)
from nago_trainer.attempt.execution import execute, refuse
from nago_trainer.attempt.postgres import AttemptDatabase, DatabaseDownError, DatabaseRefusedError
from nago_trainer.attempt.termination_message import TerminationMessage
from nago_trainer.contract.attempt_files import (
    ATTEMPT_VARIABLE,
    CHECKPOINTS_VARIABLE,
    DATABASE_VARIABLE,
    SCRATCH_VARIABLE,
    TERMINATION_LOG,
    TERMINATION_LOG_VARIABLE,
    TOKEN_VARIABLE,
)
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.json_form import ContractError
from nago_trainer.contract.task import DatasetSettings, TrialTask
from nago_trainer.data.images import ImageSet
from nago_trainer.errors import SupersededError, TaskError, TrainerError, UnavailableError
from nago_trainer.log import log
from nago_trainer.training.checkpoint_policy import checkpoint_policy
from nago_trainer.training.context import AttemptContext
from nago_trainer.training.preemption import ENDED_BY_SIGTERM, Preemption

TASK_SECONDS = 300.0
"""How long reading the task is retried while the database does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSettings:
    attempt: str
    token: str
    database_url: str
    scratch: Path
    termination_log: Path
    task_seconds: float = TASK_SECONDS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> AttemptSettings:
        """Raises TaskError for the first variable that is missing."""
        for name in (ATTEMPT_VARIABLE, TOKEN_VARIABLE, DATABASE_VARIABLE):
            if not environment.get(name):
                raise TaskError(f"{name} is not set", do="give a folder with a task.json, or set all variables")
        return cls(
            attempt=environment[ATTEMPT_VARIABLE],
            token=environment[TOKEN_VARIABLE],
            database_url=environment[DATABASE_VARIABLE],
            scratch=Path(environment.get(SCRATCH_VARIABLE) or "/tmp"),
            termination_log=Path(environment.get(TERMINATION_LOG_VARIABLE) or TERMINATION_LOG),
        )


def run_database_attempt(
    settings: AttemptSettings,
    environment: Mapping[str, str],
    read_images: Callable[[DatasetSettings], ImageSet],
) -> int:
    """The process's exit code. Never raises: every error is reported, and written to stderr."""
    started = time.monotonic()
    kept = bool(environment.get(CHECKPOINTS_VARIABLE))
    interrupted_code = ExitCode.PREEMPTED if kept else ENDED_BY_SIGTERM
    preemption = Preemption(exit_code=interrupted_code)
    message = TerminationMessage(settings.termination_log, settings.token)
    try:
        database = AttemptDatabase(settings.database_url, attempt=settings.attempt, token=settings.token)
        task = read_task(database, settings)
        checkpoints = checkpoint_policy(task, environment, preemption)
    except TaskError as error:
        message.failure(kind="defect", reason=error.reason, message=str(error))
        return refuse(error)
    except TrainerError as error:
        return refuse(error)
    if not kept:
        _note_unsaved(task)
    report = DatabaseReport(
        database,
        message,
        on_message=lambda: preemption.end_at_once(ExitCode.DONE),
    )
    context = AttemptContext(
        folder=checkpoints.folder if checkpoints else settings.scratch,
        read_images=read_images,
        started=started,
        checkpoints=checkpoints,
        saves_networks=kept,
    )
    code = execute(task, report, context)
    if report.stored and checkpoints is not None:
        checkpoints.clear()
    return code


def read_task(database: AttemptDatabase, settings: AttemptSettings) -> TrialTask:
    """Asks until the database answers. Raises TaskError, SupersededError or UnavailableError."""
    deadline = time.monotonic() + settings.task_seconds
    failures = 0
    while True:
        try:
            with database.session() as session:
                return _parsed(session.read_task(), settings)
        except DatabaseRefusedError as error:
            raise TaskError(f"cannot read the task from the database: {error}", where=settings.attempt) from error
        except DatabaseDownError as error:
            pause = BACK_OFF.pause(failures)
            if time.monotonic() + pause > deadline:
                raise UnavailableError(f"cannot reach the database: {error}") from error
            log(f"cannot reach the database, next try in {pause:.1f} s: {error}")
            time.sleep(pause)
            failures += 1


def _parsed(content: dict[str, Any] | None, settings: AttemptSettings) -> TrialTask:
    if content is None:
        raise SupersededError("the attempt has ended already", where=settings.attempt)
    try:
        return replace(TrialTask.from_json(content), token=settings.token)
    except (ContractError, TypeError, ValueError) as error:
        raise TaskError(f"invalid task: {error}", where=settings.attempt) from error


def _note_unsaved(task: TrialTask) -> None:
    if task.keep_network:
        log(f"the network will not be saved: {CHECKPOINTS_VARIABLE} is not set")
