"""What a training does about classes that have few images: weights in the loss, or draws of the images."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from nago_trainer.contract.task import BALANCED_SAMPLING, BALANCED_WEIGHTS, TrainingSettings


def class_weights(labels: Tensor, classes: int, settings: TrainingSettings) -> Tensor | None:
    """[K], for the loss: inverse to the number of training images, with a mean of 1 over the images."""
    if settings.balance != BALANCED_WEIGHTS:
        return None
    counts = torch.bincount(labels, minlength=classes)
    return len(labels) / (classes * counts.clamp(min=1)).float()


def image_order(labels: Tensor, balance: str, order: Generator) -> Tensor:
    """int64 [N]: the images of an epoch. With balanced sampling drawn with replacement, every class as often."""
    if balance != BALANCED_SAMPLING:
        return torch.randperm(len(labels), generator=order)
    on_cpu = labels.cpu()
    counts = torch.bincount(on_cpu)
    return torch.multinomial(1.0 / counts[on_cpu].double(), len(on_cpu), replacement=True, generator=order)
