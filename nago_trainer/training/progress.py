"""What the records of a training say: which epoch is the best so far, which one counts, whether the training ends."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import BEST_EPOCH, TrainingSettings


def has_ended(records: Sequence[EpochRecord], settings: TrainingSettings, epochs: int) -> bool:
    return len(records) >= epochs or has_diverged(records[-1]) or has_stopped_improving(records, settings)


def has_diverged(record: EpochRecord) -> bool:
    return not (math.isfinite(record.training_loss) and math.isfinite(record.validation_loss))


def has_stopped_improving(records: Sequence[EpochRecord], settings: TrainingSettings) -> bool:
    """Whether `patience` epochs brought nothing better; never without a patience."""
    return settings.patience > 0 and records[-1].epoch - best_record(records).epoch >= settings.patience


def chosen_record(records: Sequence[EpochRecord], settings: TrainingSettings) -> EpochRecord:
    """Whose network is kept and whose measurements are the result: of a training that diverged always the last."""
    if settings.keep == BEST_EPOCH and not has_diverged(records[-1]):
        return best_record(records)
    return records[-1]


def is_best(record: EpochRecord, earlier: Sequence[EpochRecord]) -> bool:
    return best_record([*earlier, record]) is record


def best_record(records: Sequence[EpochRecord]) -> EpochRecord:
    """The first of the highest validation accuracy; of equal ones that of the lowest loss."""
    return max(records, key=lambda record: (record.validation_accuracy, -record.validation_loss, -record.epoch))
