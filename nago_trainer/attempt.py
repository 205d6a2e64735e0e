"""One attempt at a trial, in its folder: claim it, read the task, train, report. Called by `nago-train run` and `warm`.

task.json      read      TrialTask
claim.json     written   who runs it
report.jsonl   written   epochs, then one result or one failure
network.pt     written   if the task keeps the network
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from nago_trainer.claim import claim
from nago_trainer.contract import ContractError, DatasetSettings, ExitCode, TrialTask
from nago_trainer.data.images import ImageSet
from nago_trainer.errors import InfeasibleError, TaskError, TrainerError
from nago_trainer.reporting import Report

TASK = "task.json"


def run_attempt(folder: Path, read_images: Callable[[DatasetSettings], ImageSet]) -> int:
    """The process's exit code. Never raises: whatever goes wrong is reported, and told on stderr."""
    started = time.monotonic()
    end_at_once_on_sigterm()
    try:
        if not folder.is_dir():
            raise TaskError(f"there is no folder {folder}")
        claim(folder)
        task = read_task(folder)
    except TrainerError as error:
        return _refuse(error)
    except OSError as error:
        return _refuse(TaskError(f"the folder {folder} cannot be used: {error.strerror}"))
    report = Report(folder, task.token)
    try:
        return _run(folder, task, report, read_images, started)
    except TrainerError as error:
        kind = "infeasible" if isinstance(error, InfeasibleError) else "defect"
        report.failure(kind=kind, reason=error.reason, message=str(error))
        return _refuse(error)
    except Exception as error:  # noqa: BLE001  # the process's edge: a bug becomes an exit code and a traceback in the log
        traceback.print_exc()
        report.failure(kind="defect", reason=type(error).__name__, message=_one_line(error))
        return ExitCode.DEFECT


def read_task(folder: Path) -> TrialTask:
    """Raises TaskError."""
    path = folder / TASK
    try:
        return TrialTask.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise TaskError(f"the task {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise TaskError(f"the task {path} is not JSON: {error}") from error
    except (ContractError, TypeError, ValueError) as error:
        raise TaskError(f"the task {path} is wrong: {error}") from error


def end_at_once_on_sigterm() -> None:
    """Also as process 1 of a container, where a signal without a handler is ignored. Lines already written stay."""

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)


def _run(
    folder: Path,
    task: TrialTask,
    report: Report,
    read_images: Callable[[DatasetSettings], ImageSet],
    started: float,
) -> int:
    from nago_trainer.trial import Surroundings, run_trial  # after the claim: this loads torch, unless `warm` has it

    surroundings = Surroundings(folder=folder, read_images=read_images, on_epoch=report.epoch, started=started)
    report.result(run_trial(task, surroundings))
    return ExitCode.DONE


def _refuse(error: TrainerError) -> int:
    sys.stderr.write(f"{error}\n")
    return error.exit_code


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
