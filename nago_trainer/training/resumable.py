"""A trial's training, which goes on from the checkpoint of the attempt before and leaves checkpoints of its own.

Called by `trial`. A checkpoint is written when the process is asked to end, between two steps, and after an epoch when
the last one has become old.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from torch import nn

from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import TrialTask
from nago_trainer.data.splits import Splits
from nago_trainer.errors import PreemptedError
from nago_trainer.training import checkpoint
from nago_trainer.training.batch_size import train_within_memory
from nago_trainer.training.checkpoint import Checkpoint
from nago_trainer.training.checkpoint_policy import Keeping
from nago_trainer.training.loop import Course, Progress, TrainingInterruptedError, begin, has_diverged, train
from nago_trainer.training.seeds import derive_seeds


class ResumableTraining:
    def __init__(
        self,
        task: TrialTask,
        splits: Splits,
        *,
        new_network: Callable[[], nn.Module],
        keeping: Keeping | None,
        started: float,
    ) -> None:
        """`started`: `time.monotonic()` at the attempt's start."""
        self._task = task
        self._splits = splits
        self._new_network = new_network
        self._keeping = keeping
        self._started = started
        self._earlier = checkpoint.load(task, keeping.file) if keeping else None
        self._kept_at = time.monotonic()
        self._first_step: float | None = None
        self._batch_size = 0
        self._records: list[EpochRecord] = []
        self._progress: Progress | None = None

    @property
    def network(self) -> nn.Module:
        """As trained so far. Raises ValueError before `run`."""
        if self._progress is None:
            raise ValueError("the training has not begun")
        return self._progress.network

    @property
    def seconds(self) -> float:
        """Spent on the trial so far, up to the checkpoint by earlier attempts, and since by this one."""
        return (self._earlier.seconds if self._earlier else 0.0) + time.monotonic() - self._started

    @property
    def seconds_to_first_step(self) -> float:
        """Of this attempt; all of its time where only the last validation had been left."""
        return (self._first_step or time.monotonic()) - self._started

    def run(self, on_epoch: Callable[[EpochRecord], None]) -> EpochRecord:
        """The last epoch's record. `on_epoch` hears all epochs, those before the checkpoint too, as one attempt's own.

        Raises InfeasibleError, and PreemptedError once a checkpoint is written.
        """
        told = 0
        if self._keeping:
            self._keeping.on_training()
        try:
            for record in train_within_memory(self._start, self._first_batch_size()):
                self._records.append(record)
                for fresh in self._records[told:]:
                    on_epoch(fresh)
                told = len(self._records)
                self._keep_if_due(record)
        except TrainingInterruptedError as error:
            self._keep()
            raise PreemptedError("asked to end: the next attempt goes on from the checkpoint") from error
        return self._records[-1]

    def _first_batch_size(self) -> int:
        return self._earlier.batch_size if self._earlier else self._task.training.batch_size

    def _start(self, batch_size: int) -> Iterator[EpochRecord]:
        self._progress = None  # its memory is needed
        task = self._task
        course = Course(
            settings=replace(task.training, batch_size=batch_size),
            epochs=task.epochs,
            seeds=derive_seeds(task.seed),
            on_first_step=self._note_first_step,
            interrupted=self._keeping.interrupted if self._keeping else bool,
        )
        self._batch_size = batch_size
        self._progress = self._resume(course) or begin(self._new_network(), course)
        self._records = list(self._earlier.records) if self._earlier else []
        return train(self._progress, self._splits, course)

    def _resume(self, course: Course) -> Progress | None:
        """None where there is no checkpoint of this batch size, or it does not fit: it is forgotten then."""
        if self._earlier is not None and self._earlier.batch_size == self._batch_size:
            progress = begin(self._new_network(), course)
            try:
                checkpoint.restore(progress, self._earlier.state)
            except ValueError as error:
                sys.stderr.write(f"{error}; training begins anew\n")
            else:
                return progress
        self._earlier = None
        return None

    def _note_first_step(self) -> None:
        self._first_step = time.monotonic()

    def _keep_if_due(self, record: EpochRecord) -> None:
        unfinished = record.epoch < self._task.epochs and not has_diverged(record)
        if self._keeping and unfinished and time.monotonic() - self._kept_at >= self._keeping.seconds:
            self._keep()

    def _keep(self) -> None:
        """A checkpoint that cannot be written costs time later, not the training now."""
        if self._keeping is None or self._progress is None:
            return
        kept = Checkpoint(
            batch_size=self._batch_size,
            records=tuple(self._records),
            seconds=self.seconds,
            state=checkpoint.capture(self._progress),
        )
        try:
            checkpoint.save(kept, self._task, self._keeping.file)
        except OSError as error:
            sys.stderr.write(f"no checkpoint in {self._keeping.folder}: {error.strerror}\n")
        self._kept_at = time.monotonic()
