"""Training and validation images: as tensors on the trial's device, or in a store from which they are read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nago_trainer.data.images import ImageSet, Pixels, PixelStore
from nago_trainer.data.pixel_counts import count_values
from nago_trainer.data.split import Indices, divided


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
    """Some of the images of a dataset, which lie in one place, however many parts there are."""

    pixels: Tensor | None
    """Bytes [all images, C, S, S]; None where they are in the store."""
    labels: Tensor
    """int64 [N]."""
    members: Tensor | None = None
    """int64 [N]: which of the images these are; None for all of them."""
    store: PixelStore | None = None

    def at(self, positions: Tensor | slice) -> Tensor:
        """Pixels of the examples at these positions, 0 to N - 1. All but a slice of all images is a copy."""
        if self.pixels is None:
            return self.read(positions).to(self.labels.device)
        return self.pixels[positions if self.members is None else self.members[positions]]

    def read(self, positions: Tensor | slice) -> Tensor:
        """The same of images in the store, not yet on the device. Raises StorageError."""
        if self.store is None:
            raise ValueError("the images are in no store")
        numbers = torch.arange(len(self.labels)) if self.members is None else self.members
        return torch.from_numpy(self.store.read(numbers[positions].cpu().numpy()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    training: Examples
    validation: Examples
    normalisation: Normalisation
    classes: int


def make_splits(images: ImageSet, *, fraction: float, seed: int, device: torch.device) -> Splits:
    """With test images: these to validate on, and all others to train. Raises DataError for a class of one image."""
    if images.test is not None:
        return Splits(
            training=_examples(images, device),
            validation=_examples(images.test, device),
            normalisation=_normalisation(images, None),
            classes=len(images.class_names),
        )
    training, validation = divided(images, fraction, seed)
    everything = _examples(images, device)
    return Splits(
        training=_part(everything, training),
        validation=_part(everything, validation),
        normalisation=_normalisation(images, training),
        classes=len(images.class_names),
    )


def _examples(images: ImageSet, device: torch.device) -> Examples:
    pixels = None if images.store is not None else torch.from_numpy(images.pixels).to(device)
    return Examples(pixels=pixels, store=images.store, labels=torch.from_numpy(images.labels).to(device))


def _part(whole: Examples, members: Indices) -> Examples:
    numbers = torch.from_numpy(members).to(whole.labels.device)
    return replace(whole, labels=whole.labels[numbers], members=numbers)


def _normalisation(images: ImageSet, training: Indices | None) -> Normalisation:
    if images.counts is not None:
        return normalisation_of(images.counts)
    return measure(images.pixels if images.store is None else images.store, training)


def measure(pixels: Pixels | PixelStore, members: Indices | None = None) -> Normalisation:
    """Of all images or of these."""
    return normalisation_of(count_values(pixels, members))


def normalisation_of(counts: NDArray[np.int64]) -> Normalisation:
    """Of how often each value occurs, [C, 256]. A channel that never varies gets deviation 1."""
    values = np.arange(256) / 255
    means, deviations = [], []
    for channel in counts:
        shares = channel / channel.sum()
        mean = float(shares @ values)
        means.append(mean)
        deviations.append(float(np.sqrt(shares @ (values - mean) ** 2)) or 1.0)
    return Normalisation(mean=tuple(means), deviation=tuple(deviations))
