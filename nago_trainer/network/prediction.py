"""What a network says of images, and how images of any origin become the bytes that it was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor

from nago_trainer.contract.task import DatasetSettings
from nago_trainer.data.picture import opened_pixels, read_picture
from nago_trainer.errors import DataError

BATCH = 64
"""Images that are in memory at a time."""
ImageLike = str | Path | Image | Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """All classes of one image, the most probable first."""

    class_names: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def class_name(self) -> str:
        return self.class_names[0]

    @property
    def probability(self) -> float:
        return self.probabilities[0]

    def top(self, count: int) -> list[tuple[str, float]]:
        """The most probable classes with their probabilities."""
        return list(zip(self.class_names[:count], self.probabilities[:count], strict=True))


def as_list(images: ImageLike | Iterable[ImageLike]) -> list[ImageLike]:
    """One image for each item: also of a single image, and of a tensor [N, channels, size, size]."""
    if isinstance(images, Tensor):
        if images.ndim not in (3, 4):
            raise DataError(f"the images are a tensor of {images.ndim} dimensions", do="give [N, channels, size, size]")
        return list(images) if images.ndim == 4 else [images]
    return [images] if isinstance(images, (str, Path, Image)) else list(images)


def batches(images: Sequence[ImageLike], settings: DatasetSettings) -> Iterator[Tensor]:
    """[up to BATCH, channels, size, size]: as validation images in training. Raises DataError or StorageError."""
    prepared = (prepared_image(image, f"image {number}", settings) for number, image in enumerate(images))
    while batch := list(islice(prepared, BATCH)):
        yield torch.stack(batch)


def prepared_image(image: ImageLike, name: str, settings: DatasetSettings) -> Tensor:
    """Floats 0..1 [channels, size, size]; `name`: what an image without a file is called in an error.

    Raises DataError or StorageError.
    """
    size, channels, rules = settings.image_size, settings.channels, settings.image_rules
    if isinstance(image, (str, Path)):
        return torch.tensor(read_picture(Path(image), size, channels, rules, settings.fit).pixels).float() / 255
    if isinstance(image, Image):
        return torch.tensor(opened_pixels(image, name, size, channels, rules, settings.fit)).float() / 255
    if isinstance(image, Tensor):
        return _checked(image, name, settings)
    raise DataError(
        f"{name} is of the type {type(image).__name__}", do="give paths of files, images of Pillow, or tensors"
    )


def _checked(image: Tensor, name: str, settings: DatasetSettings) -> Tensor:
    wanted = (settings.channels, settings.image_size, settings.image_size)
    if tuple(image.shape) != wanted:
        raise DataError(
            f"{name} is a tensor of shape {list(image.shape)}, and the network needs {list(wanted)}",
            do="give the file or an image of Pillow, which are resized as in training",
        )
    if image.dtype == torch.uint8:
        return image.float() / 255
    if not image.is_floating_point():
        raise DataError(f"{name} is a tensor of {image.dtype}", do="give torch.uint8, or floats from 0 to 1")
    if not bool(((image >= 0) & (image <= 1)).all()):
        low, high = image.min().item(), image.max().item()
        raise DataError(
            f"{name} has floats from {low:g} to {high:g}", do="give floats from 0 to 1, or bytes from 0 to 255"
        )
    return image.float()


def ranked(logits: Tensor, class_names: Sequence[str]) -> list[Prediction]:
    """Of logits [N, classes]."""
    probabilities, order = logits.double().softmax(1).sort(dim=1, descending=True, stable=True)
    return [
        Prediction(class_names=tuple(class_names[index] for index in indices), probabilities=tuple(values))
        for values, indices in zip(probabilities.tolist(), order.tolist(), strict=True)
    ]
