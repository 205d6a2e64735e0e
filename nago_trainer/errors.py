"""What can go wrong in the trainer for a reason that the user can act on; anything else is a bug.

Each text is one sentence for the user. `nago_trainer.attempt` turns the class into the exit code and the report.
"""

from __future__ import annotations

from nago_trainer.contract import ExitCode


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


class ClaimedError(TrainerError):
    """Another process has the attempt."""

    exit_code = ExitCode.BUSY
    reason = "Claimed"
