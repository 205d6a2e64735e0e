"""The batches of an epoch: which images each has, and how they are changed at random before they enter the network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from nago_trainer.contract.task import UNBALANCED, TrainingSettings
from nago_trainer.data.augmentation import cutout, random_crop, random_flip
from nago_trainer.data.splits import Splits
from nago_trainer.training.balance import image_order
from nago_trainer.training.mixing import mix, rand_augment


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    images: Tensor
    """Floats [B, C, S, S]."""
    targets: Tensor
    """What the loss compares with: classes [B], or their shares [B, K] where images are mixed."""
    labels: Tensor
    """Classes [B], by which hits are counted."""


def shuffled_batches(labels: Tensor, batch_size: int, order: Generator, balance: str = UNBALANCED) -> list[Tensor]:
    """The images' indices in batches; the last may be smaller, but a last batch of one image is left out.

    Batch normalisation of feature maps of one pixel cannot train on one image alone.
    """
    count = len(labels)
    shuffled = image_order(labels, balance, order).to(labels.device)  # [N]
    last_is_single = count > batch_size > 1 and count % batch_size == 1
    return list(torch.split(shuffled[: count - last_is_single], batch_size))


def prepared_batch(
    splits: Splits, chosen: Tensor, pixels: Tensor, settings: TrainingSettings, draws: Generator
) -> Batch:
    """The images of these positions [B], changed at random. `pixels`: as they are.

    Crop, flip and RandAugment change bytes, so that what is padded is black; what is cut out of normalised pixels is
    average.
    """
    labels = splits.training.labels[chosen]
    moved = random_crop(pixels, settings.crop_padding, draws)
    moved = random_flip(moved, draws) if settings.horizontal_flip else moved
    moved = rand_augment(moved, settings, draws)
    images = cutout(splits.normalisation.apply(moved), settings.cutout, draws)
    images, targets = mix(images, labels, splits.classes, settings, draws)
    return Batch(images=images, targets=targets, labels=labels)
