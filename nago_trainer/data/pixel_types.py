"""The rules by which the pixels of an image file become bytes: by their type, never by what the image shows.

| pixels of the file | become |
|---|---|
| 1, 2, 4 and 8 bits, palettes, CMYK, YCbCr, Lab | Pillow's 8-bit grey or RGB |
| 16 bits, unsigned, grey | value / 257 |
| 16 bits, unsigned, colour | the upper byte, as Pillow decodes them |
| 12 bits, or 16 whose file declares fewer (TIFF's MaxSampleValue, PGM's maxval) | value × 255 / the largest value |
| floats from 0 to 1 | value × 255 |
| floats beyond, NaN, infinity; signed pixels; integers of 32 bits | refused: nothing says which value is white |

A TIFF whose zero is white is inverted. `docs/datasets.md` has the same for users. Studies of version 0.1.0 keep their
rules, in `former_pixels`. Called by `picture`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nago_trainer.errors import DataError

SIXTEEN_BIT_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
WIDE_MODES = frozenset({"I", "F"}) | SIXTEEN_BIT_MODES
"""More than one byte per pixel; Pillow's own conversion clips them at 255."""
LARGEST_OF_12_BITS = 4095
_WHITE_OF_16_BITS = 65535
_DECLARED_WHITES = frozenset(2**bits - 1 for bits in range(9, 16))
"""Some programs write the largest value of the one image as MaxSampleValue; that is no declaration of a type."""
_BITS_PER_SAMPLE, _PHOTOMETRIC, _MAX_SAMPLE_VALUE, _SAMPLE_FORMAT = 258, 262, 281, 339
_SIGNED = 2
SAVE_OTHERWISE = "save it with 8 or 16 unsigned bits, or as floats from 0 to 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelType:
    """What is known of a file's pixels before they are decoded."""

    white: int | None
    """The value that becomes 255; None where Pillow decodes to bytes."""
    inverted: bool
    """Whether 0 is white, and `white` black."""
    sixteen_bits: bool
    """Whether there are 16 bits per value, and the file does not say that fewer are used."""


def pixel_type(image: Image.Image, file: Path) -> PixelType:
    """Of an image that was opened. Raises DataError for a type of which no value is known white.

    Once it is decoded, nothing says how many of 16 bits are used: `sixteen_bits` is of use before only.
    """
    if _SIGNED in _tag(image, _SAMPLE_FORMAT):
        raise _refused("the image has signed pixels", file)
    if image.mode not in WIDE_MODES:
        return PixelType(white=None, inverted=False, sixteen_bits=_is_decoded_from_16_bits(image))
    inverted = 0 in _tag(image, _PHOTOMETRIC)
    if image.mode == "F":
        return PixelType(white=1, inverted=inverted, sixteen_bits=False)
    if image.format == "PPM":
        # Pillow brings all to 65,535 by the file's maxval; where that is the maxval already, it decodes nothing.
        declares_fewer = any(decoder != "raw" for decoder, *_ in _tiles(image))
        return PixelType(white=_WHITE_OF_16_BITS, inverted=False, sixteen_bits=not declares_fewer)
    if image.mode == "I":
        raise _refused("the image has integers of 32 bits", file)
    declared = _declared_white(image)
    return PixelType(white=declared or _WHITE_OF_16_BITS, inverted=inverted, sixteen_bits=declared is None)


def to_grey_bytes(image: Image.Image, kind: PixelType, file: Path) -> Image.Image:
    """Of pixels that Pillow does not decode to bytes. Raises DataError for floats that are no share of white."""
    values = np.asarray(image, dtype=np.float64)
    scaled = np.rint(values * (255 / (kind.white or 255)))
    if image.mode == "F":
        _check_floats(values, scaled, file)
    scaled = np.clip(scaled, 0, 255)
    if kind.inverted:
        scaled = 255 - scaled
    transparent = image.info.get("transparency")  # of a grey PNG: one of the values
    if isinstance(transparent, int):
        scaled[values == transparent] = 255
    return Image.fromarray(scaled.astype(np.uint8))


def sixteen_bit_peak(image: Image.Image, kind: PixelType) -> int | None:
    """The largest value of pixels of 16 bits; None for other types."""
    if not kind.sixteen_bits:
        return None
    if image.mode in WIDE_MODES:
        return int(np.asarray(image).max())
    extrema = [image.getchannel(band).getextrema() for band in image.getbands() if band not in ("A", "a")]
    return max(int(largest) for _, largest in extrema) * 257  # type: ignore[arg-type]  # of one band: two numbers


def refuse_unscaled(peaks: Iterable[int | None], where: Path) -> None:
    """Raises DataError for a set whose values of 16 bits all lie within 12: its pictures would be all but black.

    One such image may be a dark one. A whole set was stored without being scaled to its type.
    """
    found = [peak for peak in peaks if peak is not None]
    if found and max(found) <= LARGEST_OF_12_BITS:
        raise DataError(
            f"no value of the images of 16 bits exceeds {max(found)}, so that they would be all but black",
            where=where,
            do="scale their values to 0..65535, or declare the largest one (MaxSampleValue in TIFF, maxval in PGM)",
        )


def _check_floats(values: NDArray[np.float64], scaled: NDArray[np.float64], file: Path) -> None:
    """What is beyond 0..1 by less than half a level is a rounding error of the program that wrote it."""
    if not np.isfinite(values).all():
        raise _refused("the image has pixels that are NaN or infinite", file)
    if scaled.min() < 0 or scaled.max() > 255:
        found = f"{values.min():.6g} to {values.max():.6g}"
        raise _refused(f"the image has floats from {found}, which are not between 0 and 1", file)


def _declared_white(image: Image.Image) -> int | None:
    """The largest value that the file says its pixels of 16 bits can have, where that is less than 65,535."""
    if 12 in _tag(image, _BITS_PER_SAMPLE):
        return LARGEST_OF_12_BITS
    return next((value for value in _tag(image, _MAX_SAMPLE_VALUE) if value in _DECLARED_WHITES), None)


def _tiles(image: Image.Image) -> Sequence[Any]:
    """How its pixels are to be decoded; nothing for an image that is decoded already, or was never in a file."""
    return getattr(image, "tile", ())


def _is_decoded_from_16_bits(image: Image.Image) -> bool:
    """Whether Pillow drops a lower byte, which the raw mode that it decodes from tells."""
    arguments = [args if isinstance(args, tuple) else (args,) for _, _, _, args in _tiles(image)]
    if image.format == "PPM":
        return any(_WHITE_OF_16_BITS in args for args in arguments)  # maxval
    return any(";16" in str(args[0]) for args in arguments if args)


def _tag(image: Image.Image, number: int) -> tuple[Any, ...]:
    """The values of a TIFF's tag; empty without it, and for other formats."""
    value = getattr(image, "tag_v2", {}).get(number, ())
    return value if isinstance(value, tuple) else (value,)


def _refused(what: str, file: Path) -> DataError:
    return DataError(what, where=file, do=SAVE_OTHERWISE)
