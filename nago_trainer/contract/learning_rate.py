"""The learning rate that belongs to a batch size, for both programs: the orchestrator may lower a batch to a study's
memory, the trainer to its device's."""

from __future__ import annotations

from dataclasses import replace

from nago_trainer.contract.task import TrainingSettings

Point = tuple[float, float]
"""A batch size and its learning rate."""


def images_at_once(settings: TrainingSettings) -> int:
    """That lie on the device together in a step."""
    return settings.micro_batch_size or settings.batch_size


def with_images_at_once(settings: TrainingSettings, images: int) -> TrainingSettings:
    """The same recipe where so many fit, at most the batch: in parts of the batch, or at this batch size."""
    if settings.accumulate:
        return replace(settings, micro_batch_size=images if images < settings.batch_size else 0)
    return at_batch_size(settings, images)


def at_batch_size(settings: TrainingSettings, batch_size: int) -> TrainingSettings:
    """The same recipe at another batch size, at most that of the recipe."""
    if batch_size == settings.batch_size or not settings.reference_batch_size:
        return replace(settings, batch_size=batch_size)
    own = settings.batch_size, settings.learning_rate
    rate = rate_between(batch_size, own, (settings.reference_batch_size, settings.reference_learning_rate))
    return replace(settings, batch_size=batch_size, learning_rate=rate)


def rate_between(batch_size: float, own: Point, reference: Point) -> float:
    """On the straight line through both points, from the lower one on; below it proportional to the batch.

    A reference at the recipe's own batch says nothing of other batches: proportional to the recipe's own rate. Above
    both points, a line that falls would end below zero: the rate stays there.
    """
    (low, rate_at_low), (high, rate_at_high) = sorted((own, reference), key=lambda point: point[0])
    if batch_size <= low or low == high:
        # The sort is stable: of equal batches the recipe's own comes first.
        return rate_at_low * batch_size / low
    if batch_size > high and rate_at_high < rate_at_low:
        return rate_at_high
    return rate_at_low + (batch_size - low) * (rate_at_high - rate_at_low) / (high - low)
