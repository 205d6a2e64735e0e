"""Training and validation images as tensors on the trial's device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nago_trainer.data.images import ImageSet, Pixels
from nago_trainer.data.split import Indices, stratified_split


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """Mean and standard deviation of each channel of pixels scaled to 0..1."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def apply(self, pixels: Tensor) -> Tensor:
        """Bytes 0..255 [B, C, S, S] -> floats with zero mean and unit variance, as measured on the training split."""
        mean = torch.tensor(self.mean, device=pixels.device).view(-1, 1, 1)
        deviation = torch.tensor(self.deviation, device=pixels.device).view(-1, 1, 1)
        return pixels.float().div_(255).sub_(mean).div_(deviation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    pixels: Tensor
    """Bytes [N, C, S, S]."""
    labels: Tensor
    """int64 [N]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    training: Examples
    validation: Examples
    normalisation: Normalisation


def make_splits(images: ImageSet, *, fraction: float, seed: int, device: torch.device) -> Splits:
    """With test images: these to validate on, and all others to train. Raises DataError for a class of one image."""
    if images.test is not None:
        return Splits(
            training=_examples(images, None, device),
            validation=_examples(images.test, None, device),
            normalisation=measure(images.pixels),
        )
    training, validation = stratified_split(images.labels, fraction, seed)
    return Splits(
        training=_examples(images, training, device),
        validation=_examples(images, validation, device),
        normalisation=measure(images.pixels[training]),
    )


def measure(pixels: Pixels) -> Normalisation:
    """From counts of the 256 values, exact at any number of images; a channel that never varies gets deviation 1."""
    values = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(pixels.shape[1]):
        shares = np.bincount(pixels[:, channel].reshape(-1), minlength=256) / pixels[:, channel].size
        mean = float(shares @ values)
        means.append(mean)
        deviations.append(float(np.sqrt(shares @ (values - mean) ** 2)) or 1.0)
    return Normalisation(mean=tuple(means), deviation=tuple(deviations))


def _examples(images: ImageSet, indices: Indices | None, device: torch.device) -> Examples:
    """All images without `indices`."""
    pixels, labels = images.pixels, images.labels
    if indices is not None:
        pixels, labels = pixels[indices], labels[indices]
    return Examples(pixels=torch.from_numpy(pixels).to(device), labels=torch.from_numpy(labels).to(device))
