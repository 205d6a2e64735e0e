"""Training and validation images as tensors on the trial's device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nago_trainer.data.images import ImageSet, Pixels
from nago_trainer.data.split import Indices, stratified_split

COUNTED_VALUES = 65_536
"""At a time."""


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
    """Some of the images of a dataset, which lie in memory once, however many parts there are."""

    pixels: Tensor
    """Bytes [all images, C, S, S]."""
    labels: Tensor
    """int64 [N]."""
    members: Tensor | None = None
    """int64 [N]: which of the images these are; None for all of them."""

    def at(self, positions: Tensor | slice) -> Tensor:
        """Pixels of the examples at these positions, 0 to N - 1. All but a slice of all images is a copy."""
        return self.pixels[positions if self.members is None else self.members[positions]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    training: Examples
    validation: Examples
    normalisation: Normalisation
    classes: int


def make_splits(images: ImageSet, *, fraction: float, seed: int, device: torch.device) -> Splits:
    """With test images: these to validate on, and all others to train. Raises DataError for a class of one image."""
    pixels, labels = torch.from_numpy(images.pixels).to(device), torch.from_numpy(images.labels).to(device)
    if images.test is not None:
        test = images.test
        return Splits(
            training=Examples(pixels=pixels, labels=labels),
            validation=Examples(
                pixels=torch.from_numpy(test.pixels).to(device), labels=torch.from_numpy(test.labels).to(device)
            ),
            normalisation=measure(images.pixels),
            classes=len(images.class_names),
        )
    if images.validation is None:
        training, validation = stratified_split(images.labels, fraction, seed)
    else:
        training, validation = np.setdiff1d(np.arange(len(images.labels)), images.validation), images.validation
    parts = [torch.from_numpy(members).to(device) for members in (training, validation)]
    of_training, of_validation = (Examples(pixels=pixels, labels=labels[part], members=part) for part in parts)
    return Splits(
        training=of_training,
        validation=of_validation,
        normalisation=measure(images.pixels, training),
        classes=len(images.class_names),
    )


def measure(pixels: Pixels, members: Indices | None = None) -> Normalisation:
    """Of all images or of these, from counts of the 256 values, exact at any number of images.

    A channel that never varies gets deviation 1. A few images at a time: counting takes eight times their memory.
    """
    chosen = np.arange(len(pixels)) if members is None else members
    values = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(pixels.shape[1]):
        shares = _counts(pixels[:, channel], chosen) / (len(chosen) * pixels[0, channel].size)
        mean = float(shares @ values)
        means.append(mean)
        deviations.append(float(np.sqrt(shares @ (values - mean) ** 2)) or 1.0)
    return Normalisation(mean=tuple(means), deviation=tuple(deviations))


def _counts(channel: Pixels, chosen: Indices) -> NDArray[np.int64]:
    """How often each of the 256 values occurs, of [N, S, S]."""
    counts = np.zeros(256, dtype=np.int64)
    step = max(1, COUNTED_VALUES // channel[0].size)
    for start in range(0, len(chosen), step):
        counts += np.bincount(channel[chosen[start : start + step]].reshape(-1), minlength=256)
    return counts
