"""Which epoch is the best so far, and how long ago that was."""

from __future__ import annotations

from collections.abc import Sequence

from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import BEST_EPOCH, TrainingSettings


def best_record(records: Sequence[EpochRecord]) -> EpochRecord:
    """The first of the highest validation accuracy; of equal ones that of the lowest loss."""
    return max(records, key=lambda record: (record.validation_accuracy, -record.validation_loss, -record.epoch))


def is_best(record: EpochRecord, earlier: Sequence[EpochRecord]) -> bool:
    return best_record([*earlier, record]) is record


def chosen_record(records: Sequence[EpochRecord], settings: TrainingSettings) -> EpochRecord:
    """Whose network is kept and whose measurements are the result."""
    return best_record(records) if settings.keep == BEST_EPOCH else records[-1]


def has_stopped_improving(records: Sequence[EpochRecord], settings: TrainingSettings) -> bool:
    """Whether `patience` epochs brought nothing better; never without a patience."""
    return settings.patience > 0 and records[-1].epoch - best_record(records).epoch >= settings.patience
