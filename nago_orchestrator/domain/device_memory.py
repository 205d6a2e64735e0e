"""What a training takes on its device, by its plan alone: the batch of a network follows from a study's figure, and
never from the device that happens to be there."""

from __future__ import annotations

from nago_trainer.contract.task import TrainingSettings

_BYTES_OF_A_NUMBER = 4
COPIES_OF_PARAMETERS = 3
"""Weights, gradients, momentum."""


def training_bytes(batch_size: int, bytes_per_sample: int, parameters: int) -> int:
    """At the peak of a step."""
    return batch_size * bytes_per_sample + COPIES_OF_PARAMETERS * _BYTES_OF_A_NUMBER * parameters


def largest_batch(training: TrainingSettings, memory: int, bytes_per_sample: int, parameters: int) -> int:
    """Of at most the recipe's size; 0 where not even one image fits."""
    room = memory - training_bytes(0, bytes_per_sample, parameters)
    return max(0, min(training.batch_size, room // bytes_per_sample))
