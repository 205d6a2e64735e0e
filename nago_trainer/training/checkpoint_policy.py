"""Where and when an attempt writes checkpoints, as its environment says.

No torch, so that an attempt can be claimed before torch is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nago_trainer.contract.attempt_files import CHECKPOINT_FILE, CHECKPOINT_SECONDS_VARIABLE, CHECKPOINTS_VARIABLE
from nago_trainer.contract.task import TrialTask
from nago_trainer.errors import TaskError
from nago_trainer.training.preemption import Preemption

DEFAULT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointPolicy:
    folder: Path
    """Of this trial alone; all its attempts know it."""
    parent: Path | None = None
    """The checkpoint from which the trial goes on where it has none of its own."""
    unneeded: tuple[Path, ...] = ()
    """Checkpoints of other trials that nothing goes on from any more."""
    keeps_last: bool = False
    """Whether another trial may go on from the end of this one."""
    seconds: float
    on_training: Callable[[], None]
    """Called when the training begins: from now on there is something to keep."""
    interrupted: Callable[[], bool]
    """Whether the process was asked to end."""

    @property
    def file(self) -> Path:
        return self.folder / CHECKPOINT_FILE

    def clear(self) -> None:
        """Once the result is known. What cannot be removed stays: it does no harm."""
        if not self.keeps_last:
            _remove(self.file)
        if self.parent is not None:
            _remove(self.parent)

    def clear_unneeded(self) -> None:
        for file in self.unneeded:
            _remove(file)


def checkpoint_policy(
    task: TrialTask, environment: Mapping[str, str], preemption: Preemption
) -> CheckpointPolicy | None:
    """None where no folder is given. Raises TaskError for seconds that are no number."""
    root = environment.get(CHECKPOINTS_VARIABLE)
    if not root:
        return None
    given = environment.get(CHECKPOINT_SECONDS_VARIABLE, str(DEFAULT_SECONDS))
    try:
        seconds = float(given)
    except ValueError as error:
        raise TaskError(f"{CHECKPOINT_SECONDS_VARIABLE} must be a number of seconds, found {given!r}") from error
    study = Path(root) / task.study
    return CheckpointPolicy(
        folder=_folder(study, task.trial),
        parent=None if task.continues is None else _folder(study, task.continues) / CHECKPOINT_FILE,
        unneeded=tuple(_folder(study, trial) / CHECKPOINT_FILE for trial in task.unneeded),
        keeps_last=task.epochs < task.schedule,
        seconds=seconds,
        on_training=preemption.wait_for_checkpoint,
        interrupted=lambda: preemption.requested,
    )


def _folder(study: Path, trial: int) -> Path:
    return study / f"t{trial:05d}"


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)
        file.parent.rmdir()  # unless a network was kept there
