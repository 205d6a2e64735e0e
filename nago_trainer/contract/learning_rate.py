"""The learning rate that belongs to a batch size, for both programs: the orchestrator may lower a batch to a study's
memory, the trainer to its device's."""

from __future__ import annotations

from dataclasses import replace

from nago_trainer.contract.task import TrainingSettings

Point = tuple[float, float]
"""A batch size and its learning rate."""


def at_batch_size(settings: TrainingSettings, batch_size: int) -> TrainingSettings:
    """The same recipe at another batch size, at most that of the recipe."""
    if batch_size == settings.batch_size or not settings.reference_batch_size:
        return replace(settings, batch_size=batch_size)
    own = settings.batch_size, settings.learning_rate
    rate = rate_between(batch_size, own, (settings.reference_batch_size, settings.reference_learning_rate))
    return replace(settings, batch_size=batch_size, learning_rate=rate)


def rate_between(batch_size: float, one: Point, other: Point) -> float:
    """On the straight line through both points, from the lower one on; below it proportional to the batch."""
    (low, rate_at_low), (high, rate_at_high) = sorted((one, other))
    if batch_size <= low or low == high:
        return rate_at_low * batch_size / low
    return rate_at_low + (batch_size - low) * (rate_at_high - rate_at_low) / (high - low)
