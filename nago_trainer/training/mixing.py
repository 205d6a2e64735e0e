"""Random changes by torchvision: RandAugment of bytes, then mixup and cutmix of whole batches.

torchvision draws from torch's global generator. It is lent the training's own generator for the time, so that the
training's draws are the same whatever else draws, and those of the global generator (dropout) the same with and
without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor

from nago_trainer.contract.task import TrainingSettings
from nago_trainer.data.torchvision_import import import_torchvision_transforms
from nago_trainer.errors import TaskError


@contextmanager
def drawing_from(generator: Generator) -> Iterator[None]:
    """Inside, torch's global generator on the CPU is this one."""
    own = torch.get_rng_state()
    torch.set_rng_state(generator.get_state())
    try:
        yield
    finally:
        generator.set_state(torch.get_rng_state())
        torch.set_rng_state(own)


def rand_augment(pixels: Tensor, settings: TrainingSettings, draws: Generator) -> Tensor:
    """Bytes [B, C, S, S], every image changed on its own."""
    if settings.randaugment == 0:
        return pixels
    if pixels.shape[1] not in (1, 3):
        raise TaskError(f"RandAugment takes images of 1 or 3 channels, and these have {pixels.shape[1]}")
    transform = import_torchvision_transforms().RandAugment(settings.randaugment, settings.randaugment_magnitude)
    with drawing_from(draws):
        return torch.stack([transform(image) for image in pixels])


def mix(
    images: Tensor, labels: Tensor, classes: int, settings: TrainingSettings, draws: Generator
) -> tuple[Tensor, Tensor]:
    """Images and targets: shares of the classes [B, K] where images are mixed, else the labels as they are.

    With both mixup and cutmix each batch gets one of them.
    """
    transforms = import_torchvision_transforms() if settings.mixup or settings.cutmix else None
    if transforms is None:
        return images, labels
    kinds = [(transforms.MixUp, settings.mixup), (transforms.CutMix, settings.cutmix)]
    chosen = [kind(alpha=alpha, num_classes=classes) for kind, alpha in kinds if alpha]
    with drawing_from(draws):
        mixing = chosen[int(torch.randint(len(chosen), ()))]
        mixed, shares = mixing(images, labels)
    return mixed, shares
