"""One image file to pixels, whatever its format. Called by `folder`; Pillow's only home beside `images`."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from nago_trainer.contract.task import FORMER_IMAGE_RULES, SQUASH
from nago_trainer.data.former_pixels import to_grey_bytes_by_peak
from nago_trainer.data.images import Pixels, resize, to_pixels
from nago_trainer.data.pixel_types import WIDE_MODES, pixel_type, sixteen_bit_peak, to_grey_bytes
from nago_trainer.data.storage import storage_errors
from nago_trainer.errors import DataError, StorageError

GREY_MODES = frozenset({"1", "L", "LA", "La"}) | WIDE_MODES


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of a file before its pixels are decoded."""

    grey: bool
    width: int
    height: int

    @property
    def shorter_side(self) -> int:
        return min(self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A file, decoded."""

    pixels: Pixels
    """[channels, size, size]"""
    header: Header
    peak: int | None
    """Largest value of pixels of 16 bits; None for other types."""
    digest: str
    """Of the file's contents."""


def read_picture(file: Path, size: int, channels: int, rules: int, fit: str = SQUASH) -> Picture:
    """The first frame, turned as its EXIF says, transparency on white. Raises DataError or StorageError.

    `rules` and `fit`: as in `DatasetSettings`.
    """
    with _as_data_errors(file):
        with storage_errors(file):
            content = file.read_bytes()
        with Image.open(BytesIO(content)) as image:
            header = Header(grey=image.mode in GREY_MODES, width=image.width, height=image.height)
            pixels, peak = _decoded(image, file, size, channels, rules, fit)
    return Picture(pixels=pixels, header=header, peak=peak, digest=content_digest(content))


def read_digest(file: Path) -> str:
    """Of a file that is not decoded. Raises DataError or StorageError."""
    with _as_data_errors(file), storage_errors(file):
        return content_digest(file.read_bytes())


def opened_pixels(image: Image.Image, name: str, size: int, channels: int, rules: int, fit: str = SQUASH) -> Pixels:
    """[channels, size, size] of an image that somebody has opened or made, which stays as it is.

    One that was opened and not decoded yet gives what its file gives, and so does one that is decoded, but for a JPEG,
    of which files are decoded as a draft. Raises DataError, which calls it `name`.
    """
    where = Path(name)
    with _as_data_errors(where), _unchanged(image) as own:
        return _decoded(own, where, size, channels, rules, fit)[0]


@contextmanager
def _unchanged(image: Image.Image) -> Iterator[Image.Image]:
    """Its file once more where it is not decoded yet: a draft is decoded faster, and of other pixels.

    One that is decoded is read itself, which changes nothing of it: a copy would lack the format and the tags, which
    say of what type its pixels are.
    """
    if not isinstance(image, ImageFile.ImageFile) or not image.tile or image.fp is None or image.tell() != 0:
        image.load()
        yield image
        return
    place = image.fp.tell()
    image.fp.seek(0)
    content = image.fp.read()
    image.fp.seek(place)
    with Image.open(BytesIO(content)) as again:
        yield again


def _decoded(
    image: Image.Image, file: Path, size: int, channels: int, rules: int, fit: str
) -> tuple[Pixels, int | None]:
    """And the largest value of pixels of 16 bits."""
    mode = "L" if channels == 1 else "RGB"
    image.draft(mode, (size, size))
    if rules == FORMER_IMAGE_RULES:
        flat, peak = _former_flattened(image), None
    else:
        flat, peak = _flattened(image, file)
    return to_pixels(resize(flat.convert(mode), size, fit)), peak


def content_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _as_data_errors(file: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no reason to refuse an image or to fill a log
            yield
    except (DataError, StorageError):
        raise
    except Exception as error:  # Pillow's decoders raise whatever a damaged file leads them to
        detail = _reason(error, file)
        raise DataError(f"cannot read the image: {detail}", where=file, do="repair or remove it") from error


def _reason(error: Exception, file: Path) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no known image format or type of pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).replace(str(file), "the file").strip() or type(error).__name__


def _flattened(image: Image.Image, file: Path) -> tuple[Image.Image, int | None]:
    """Upright, without transparency and with one byte per value; and the peak."""
    kind = pixel_type(image, file)
    upright = ImageOps.exif_transpose(image)
    flat = _on_white(upright) if kind.white is None else to_grey_bytes(upright, kind, file)
    return flat, sixteen_bit_peak(upright, kind)


def _former_flattened(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    return to_grey_bytes_by_peak(upright) if upright.mode in WIDE_MODES else _on_white(upright)


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    opaque = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(opaque, image.convert("RGBA"))
