"""How `nago-train` ends."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How `nago-train` ends; the orchestrator derives the kind of a failure from it."""

    DONE = 0
    INFEASIBLE = 3
    """The network cannot be trained here at all, e.g. out of memory with the smallest batch: no retry helps."""
    BAD_TASK = 64
    """The task, the dataset or an option is wrong."""
    UNAVAILABLE = 69
    """The task could not be read from the database, or the result could be neither stored nor written elsewhere."""
    DEFECT = 70
    """A bug: an unexpected exception."""
    NO_PROCESS = 71
    """The machine could not start the attempt's process, e.g. for lack of memory: says nothing about the trial."""
    UNWRITABLE = 74
    """The attempt's folder cannot be written, e.g. a full disk, or the storage of the images fails: says nothing about
    the trial."""
    BUSY = 75
    """Another process has already claimed this attempt, or it is over, or a newer one has taken its place."""
    PREEMPTED = 85
    """Ended by SIGTERM; the trial's next attempt resumes from the checkpoint, if there is one yet."""
