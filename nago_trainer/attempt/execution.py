"""Trains one task and reports the result or the failure, for attempts of both kinds.

The task has been claimed already: from here on torch is loaded.
"""

from __future__ import annotations

import errno
from typing import Protocol

from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.contract.task import TrialTask
from nago_trainer.errors import (
    InfeasibleError,
    PreemptedError,
    ReportError,
    StorageError,
    SupersededError,
    TrainerError,
    UnavailableError,
)
from nago_trainer.log import log, log_traceback
from nago_trainer.training.context import AttemptContext

WITHOUT_VERDICT = (ReportError, StorageError, PreemptedError, SupersededError, UnavailableError)
"""Ends that say nothing about the trial: only the exit code reports them."""

DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG})
"""Full, over its quota, read-only, broken, or a limit of the process: nothing that the trial could do better."""


class Reporter(Protocol):
    """May raise ReportError, SupersededError or UnavailableError."""

    def epoch(self, record: EpochRecord) -> None: ...

    def result(self, result: TrialResult) -> None: ...

    def failure(self, *, kind: str, reason: str, message: str) -> None:
        """`kind` is infeasible or defect, `reason` one word, `message` one sentence."""
        ...


def execute(task: TrialTask, report: Reporter, context: AttemptContext) -> int:
    """The process's exit code. Never raises: every error is reported, and written to stderr."""

    def on_epoch(record: EpochRecord) -> None:
        log(record.in_words())
        report.epoch(record)

    try:
        from nago_trainer.training.trial import run_trial  # this loads torch, unless the fork server has it

        report.result(run_trial(task, context, on_epoch))
    except WITHOUT_VERDICT as error:
        return refuse(error)
    except TrainerError as error:
        kind = "infeasible" if isinstance(error, InfeasibleError) else "defect"
        _tell(report, kind=kind, reason=error.reason, message=str(error))
        return refuse(error)
    except Exception as error:  # noqa: BLE001  # the process's edge: a bug becomes an exit code and a traceback in the log
        if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
            return refuse(_unwritable(error))
        log_traceback()
        _tell(report, kind="defect", reason=type(error).__name__, message=_one_line(error))
        return ExitCode.DEFECT
    return ExitCode.DONE


def refuse(error: TrainerError) -> int:
    """Writes the error to stderr and returns its exit code."""
    log(f"error: {error}")
    return error.exit_code


def _unwritable(error: OSError) -> ReportError:
    return ReportError(
        f"cannot write a file of the attempt: {error.strerror}",
        where=error.filename,
        do="check the free space and the health of its disk or volume",
    )


def _tell(report: Reporter, *, kind: str, reason: str, message: str) -> None:
    """Where the report cannot be written, the exit code alone shows the failure."""
    try:
        report.failure(kind=kind, reason=reason, message=message)
    except TrainerError as error:
        log(f"error: {error}")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
