"""What can go wrong in the trainer for a reason that the user can act on; anything else is a bug.

`nago_trainer.attempt.execution` turns the class into exit code and report.
"""

from __future__ import annotations

from nago_trainer.contract.data_report import DATA_CHANGED
from nago_trainer.contract.error_text import error_text
from nago_trainer.contract.exit_codes import ExitCode


class TrainerError(Exception):
    """Its text is one sentence for the user, see `error_text`; `reason` is one word for grouping failures."""

    exit_code = ExitCode.BAD_TASK
    reason = "BadTask"

    def __init__(self, what: str, *, where: object = None, do: str | None = None) -> None:
        super().__init__(error_text(what, where=where, do=do))


class TaskError(TrainerError):
    """The task is inconsistent, or this machine cannot execute it."""


class DeviceError(TaskError):
    """This machine lacks the device; another may have it."""

    reason = "NoDevice"


class DataError(TrainerError):
    """The dataset is missing, incomplete or damaged."""

    reason = "BadData"


class DataChangedError(DataError):
    """The images are not those that the study began with."""

    reason = DATA_CHANGED


class ObjectiveError(TrainerError):
    """The study's own objective cannot be loaded, or does not give a number."""

    reason = "BadObjective"


class StorageError(TrainerError):
    """The storage of the images fails at this moment: says nothing about the images."""

    exit_code = ExitCode.UNWRITABLE
    reason = "Unreadable"


class UnpreparedError(StorageError):
    """Prepared images cannot be made or opened: a study that does not ask for them can do without."""


class ExportError(TrainerError):
    """The exported file is not what it should be."""

    exit_code = ExitCode.DEFECT
    reason = "BadExport"


class InfeasibleError(TrainerError):
    """The network cannot be trained here; a retry would end in the same way."""

    exit_code = ExitCode.INFEASIBLE
    reason = "OutOfMemory"


class ReportError(TrainerError):
    """A file of the attempt cannot be written, e.g. because its disk is full."""

    exit_code = ExitCode.UNWRITABLE
    reason = "Unwritable"


class ClaimedError(TrainerError):
    """Another process executes the attempt."""

    exit_code = ExitCode.BUSY
    reason = "Claimed"


class SupersededError(TrainerError):
    """The attempt is over, or the trial has a newer one: the result is not needed."""

    exit_code = ExitCode.BUSY
    reason = "Superseded"


class UnavailableError(TrainerError):
    """The database does not answer."""

    exit_code = ExitCode.UNAVAILABLE
    reason = "Unavailable"


class PreemptedError(TrainerError):
    """The process received SIGTERM; the trial's next attempt resumes from its checkpoint."""

    exit_code = ExitCode.PREEMPTED
    reason = "Preempted"
