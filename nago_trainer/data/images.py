"""The value that every dataset becomes: all images as one array of bytes, all of one size.

Called by the readers of the datasets and by training; numpy and Pillow only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from nago_trainer.contract.task import CROP, PAD, SQUASH

Pixels = NDArray[np.uint8]
"""Images [N, channels, height, width] of bytes, or one image [channels, height, width]."""


class PixelRows(Protocol):
    """Takes images one by one, in any order and from several threads."""

    @property
    def in_memory(self) -> Pixels:
        """All images; none, [0, channels, height, width], where they are kept elsewhere."""
        ...

    def put(self, number: int, pixels: Pixels) -> None: ...


class PixelStore(Protocol):
    """Images of bytes that lie elsewhere and are read when they are needed."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def read(self, numbers: NDArray[np.int64]) -> Pixels:
        """A copy of these images, in this order. Raises StorageError."""
        ...


RowsOf = Callable[[tuple[int, ...]], PixelRows]
"""Gives the place of all pixels, for their shape [N, channels, height, width]."""


class MemoryRows:
    def __init__(self, shape: tuple[int, ...]) -> None:
        self.in_memory: Pixels = np.empty(shape, dtype=np.uint8)  # once: the images may fill half the memory

    def put(self, number: int, pixels: Pixels) -> None:
        self.in_memory[number] = pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSet:
    """Labelled images."""

    pixels: Pixels
    """[N, channels, size, size]; [0, channels, size, size] where they are in `store`."""
    labels: NDArray[np.int64]
    """[N], index into `class_names`"""
    class_names: tuple[str, ...]
    files: tuple[str, ...] | None = None
    """[N], below the folder of the images; None where they have no files of their own."""
    validation: NDArray[np.int64] | None = None
    """Which of them the dataset itself sets apart to validate on; None where a part is taken."""
    groups: NDArray[np.int64] | None = None
    """[N]: images of one number stay on one side of the split."""
    test: ImageSet | None = None
    """The test images, where they are asked for."""
    store: PixelStore | None = None
    """Has the pixels of images that do not fit into memory."""
    counts: NDArray[np.int64] | None = None
    """[channels, 256]: how often each value occurs in the images that are trained on, where it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDescription:
    """What a study needs to know of a dataset before it starts."""

    channels: int
    classes: int
    images: int
    """For training and validation together; a test set is not counted."""
    class_names: tuple[str, ...]
    size: int
    """Pixels of a side; the median of the shorter sides where images differ."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def resize(image: Image.Image, size: int, fit: str = SQUASH) -> Image.Image:
    """Bilinear, to a square. `fit`: as in `DatasetSettings.fit`."""
    square = (size, size)
    if image.size == square:
        return image
    if fit == CROP:
        return ImageOps.fit(image, square, Image.Resampling.BILINEAR)
    if fit == PAD:
        return ImageOps.pad(image, square, Image.Resampling.BILINEAR)
    return image.resize(square, Image.Resampling.BILINEAR)


def to_pixels(image: Image.Image) -> Pixels:
    """[channels, height, width] of a grey (L) or colour (RGB) image."""
    array = np.asarray(image, dtype=np.uint8)
    return array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


def resize_all(pixels: Pixels, size: int) -> Pixels:
    """[N, C, H, W] -> [N, C, size, size], each image as by `resize`."""
    if pixels.shape[2:] == (size, size):
        return pixels
    grey = pixels.shape[1] == 1
    resized = np.empty((*pixels.shape[:2], size, size), dtype=np.uint8)
    for number, image in enumerate(pixels):
        resized[number] = to_pixels(resize(Image.fromarray(image[0] if grey else image.transpose(1, 2, 0)), size))
    return resized
