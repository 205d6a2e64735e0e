"""One attempt at a trial in its folder: claim it, read the task, train, report. For `nago-train run` and `warm`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from nago_trainer.attempt.claim import claim
from nago_trainer.attempt.execution import execute, refuse
from nago_trainer.attempt.folder_report import Report
from nago_trainer.contract.attempt_files import TASK_FILE
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.json_form import ContractError
from nago_trainer.contract.task import DatasetSettings, TrialTask
from nago_trainer.data.images import ImageSet
from nago_trainer.errors import ReportError, TaskError, TrainerError
from nago_trainer.training.checkpoint_policy import checkpoint_policy
from nago_trainer.training.context import AttemptContext
from nago_trainer.training.preemption import Preemption


def run_attempt(folder: Path, read_images: Callable[[DatasetSettings], ImageSet]) -> int:
    """The process's exit code. Never raises: every error is reported, and written to stderr."""
    started = time.monotonic()
    preemption = Preemption()
    try:
        if not folder.is_dir():
            raise TaskError("there is no such folder", where=folder)
        claim(folder)
        task = read_task(folder)
        checkpoints = checkpoint_policy(task, os.environ, preemption)
    except TrainerError as error:
        return refuse(error)
    except OSError as error:
        # The disk's trouble, never the trial's.
        return refuse(ReportError(f"cannot use the folder: {error.strerror}", where=folder))
    context = AttemptContext(folder=folder, read_images=read_images, started=started, checkpoints=checkpoints)
    code = execute(task, Report(folder, task.token), context)
    if code == ExitCode.DONE and checkpoints is not None:
        checkpoints.clear()
    return code


def read_task(folder: Path) -> TrialTask:
    """Raises TaskError."""
    path = folder / TASK_FILE
    try:
        return TrialTask.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise TaskError(f"cannot read the task: {error.strerror}", where=path) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise TaskError(f"the task is not JSON: {error}", where=path) from error
    except (ContractError, TypeError, ValueError) as error:
        raise TaskError(f"invalid task: {error}", where=path) from error
