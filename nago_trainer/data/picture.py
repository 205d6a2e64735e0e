"""One image file to pixels, whatever its format. Called by `folder`; Pillow's only home beside `images`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nago_trainer.data.images import Pixels, resize, to_pixels
from nago_trainer.errors import DataError

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
DEEP_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
"""More than one byte per pixel; Pillow's own conversion clips them at 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of a file before its pixels are decoded."""

    grey: bool
    shorter_side: int


def read_header(file: Path) -> Header:
    """Raises DataError if it is no image."""
    with _opened(file) as image:
        return Header(grey=image.mode in GREY_MODES, shorter_side=min(image.size))


def read_picture(file: Path, size: int, channels: int) -> Pixels:
    """[channels, size, size]: the first frame, turned as its EXIF says, transparency on white. Raises DataError."""
    with _opened(file) as image:
        image.draft("L" if channels == 1 else "RGB", (size, size))
        upright = ImageOps.exif_transpose(image)
        return to_pixels(resize(_flattened(upright).convert("L" if channels == 1 else "RGB"), size))


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no reason to refuse an image or to fill a log
            with Image.open(file) as image:
                yield image
    except Exception as error:  # Pillow's decoders raise whatever a damaged file leads them to
        detail = _reason(error, file)
        raise DataError(f"cannot read the image: {detail}", where=file, do="repair or remove it") from error


def _reason(error: Exception, file: Path) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no known image format"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).replace(str(file), "the file").strip() or type(error).__name__


def _flattened(image: Image.Image) -> Image.Image:
    """Without transparency and with one byte per pixel."""
    if image.mode in DEEP_MODES:
        return _eight_bits(image)
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(opaque, image.convert("RGBA"))
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Values up to 255 are taken as they are, up to 65,535 as 16 bits, others are stretched to the largest."""
    values = np.asarray(image, dtype=np.float64)
    largest = float(values.max())
    scale = 1.0 if largest <= 255 else 255 / max(largest, 65535)
    return Image.fromarray(np.clip(values * scale, 0, 255).astype(np.uint8))
