"""What a training takes on its device, by its plan alone: the batch of a network follows from a study's figure, and
never from the device that happens to be there."""

from __future__ import annotations

from dataclasses import dataclass

from nago_trainer.contract.task import ADAMW, BEST_EPOCH, TrainingSettings

_BYTES_OF_A_NUMBER = 4
_COPIES_OF_PARAMETERS = 3
"""Weights, gradients, momentum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimit:
    """What a study's trainings may take on their device."""

    bytes: int
    training: TrainingSettings
    """Which network fits depends on its smallest batch and its optimiser."""


def training_bytes(training: TrainingSettings, images: int, bytes_per_sample: int, parameters: int) -> int:
    """At the peak of a step with so many images at once."""
    return images * bytes_per_sample + copies_of_parameters(training) * _BYTES_OF_A_NUMBER * parameters


def copies_of_parameters(training: TrainingSettings) -> int:
    """AdamW has a second moment; an average lies beside the weights, which are set aside while it is measured; and
    the weights of the best epoch are kept."""
    average = 2 * (training.ema_decay > 0)
    return _COPIES_OF_PARAMETERS + (training.optimizer == ADAMW) + average + (training.keep == BEST_EPOCH)


def largest_batch(training: TrainingSettings, memory: int, bytes_per_sample: int, parameters: int) -> int:
    """Images that fit at once, at most the recipe's batch; 0 where not even one fits."""
    room = memory - training_bytes(training, 0, bytes_per_sample, parameters)
    return max(0, min(training.batch_size, room // bytes_per_sample))
