"""What can go wrong in the trainer for a reason that the user can act on; anything else is a bug.

Each text is one sentence for the user. `nago_trainer.attempt.execution` turns the class into exit code and report.
"""

from __future__ import annotations

from nago_trainer.contract.exit_codes import ExitCode


class TrainerError(Exception):
    """`reason` is one word for grouping failures."""

    exit_code = ExitCode.BAD_TASK
    reason = "BadTask"


class TaskError(TrainerError):
    """The task contradicts itself or this machine."""


class DataError(TrainerError):
    """The dataset is not there, not complete or broken."""

    reason = "BadData"


class InfeasibleError(TrainerError):
    """The network cannot be trained here, however often one tries."""

    exit_code = ExitCode.INFEASIBLE
    reason = "OutOfMemory"


class ReportError(TrainerError):
    """The attempt's folder takes no report, e.g. because its disk is full."""

    exit_code = ExitCode.UNWRITABLE
    reason = "Unwritable"


class ClaimedError(TrainerError):
    """Another process has the attempt."""

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
    """The process was asked to end; the trial's next attempt resumes from its checkpoint."""

    exit_code = ExitCode.PREEMPTED
    reason = "Preempted"
