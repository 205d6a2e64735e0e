"""The learning rate over a trial."""

from __future__ import annotations

import math

from nago_trainer.contract.task import TrainingSettings


def cosine_learning_rate(first: float, step: int, steps: int) -> float:
    """first/2 * (1 + cos(pi * step / steps)): `first` at step 0, zero at step `steps`.

    Loshchilov and Hutter, SGDR, 2017, equation 5, without restarts.
    """
    return first * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def learning_rate(settings: TrainingSettings, step: int, steps: int, steps_per_epoch: int) -> float:
    """At a step of so many in all: growing evenly during the warm-up, then the cosine over what is left."""
    warm_up = min(round(settings.warmup_epochs * steps_per_epoch), steps - 1)
    if step < warm_up:
        return settings.learning_rate * (step + 1) / (warm_up + 1)
    return cosine_learning_rate(settings.learning_rate, step - warm_up, steps - warm_up)
