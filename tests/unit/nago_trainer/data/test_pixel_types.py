from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nago_trainer.contract.task import FORMER_IMAGE_RULES, IMAGE_RULES
from nago_trainer.data.picture import opened_pixels, read_picture
from nago_trainer.errors import DataError
from tests.image_folder import describe_folder, load_folder, settings_of
from tests.tiff import write_tiff

SIXTEEN_BITS = np.array([[0, 255, 256, 65535]] * 4, np.uint16)
TWELVE_BITS = np.array([[0, 16, 17, 4095]] * 4, np.uint16)
FLOATS = np.array([[0, 0.25, 0.5, 1]] * 4, np.float32)


def _saved(file: Path, pixels: NDArray[Any], **options: Any) -> None:
    Image.fromarray(pixels).save(file, **options)


def _pgm(file: Path, pixels: NDArray[Any], maxval: int) -> None:
    file.write_bytes(b"P5 4 4 %d\n" % maxval + pixels.astype(">u2").tobytes())


def _colour_png(file: Path, grey: NDArray[Any]) -> None:
    """Of 16 bits, which Pillow does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = b"".join(b"\0" + np.repeat(row[:, None], 3, axis=1).astype(">u2").tobytes() for row in grey)
    head = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 16, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


@pytest.mark.parametrize(
    ("name", "write", "expected"),
    [
        ("i.png", lambda file: _saved(file, SIXTEEN_BITS), [0, 1, 1, 255]),
        ("i.tif", lambda file: _saved(file, SIXTEEN_BITS), [0, 1, 1, 255]),
        ("i.tif", lambda file: _saved(file, SIXTEEN_BITS, compression="tiff_lzw"), [0, 1, 1, 255]),
        ("i.tif", lambda file: write_tiff(file, SIXTEEN_BITS), [0, 1, 1, 255]),
        ("i.tif", lambda file: write_tiff(file, SIXTEEN_BITS, zero_is_white=True), [255, 254, 254, 0]),
        ("i.pgm", lambda file: _pgm(file, SIXTEEN_BITS, 65535), [0, 1, 1, 255]),
        ("i.png", lambda file: _colour_png(file, SIXTEEN_BITS), [0, 0, 1, 255]),
        ("i.png", lambda file: _saved(file, SIXTEEN_BITS, transparency=256), [0, 1, 255, 255]),
        ("i.tif", lambda file: _saved(file, TWELVE_BITS, tiffinfo={281: 4095}), [0, 1, 1, 255]),
        ("i.tif", lambda file: _saved(file, TWELVE_BITS, tiffinfo={281: 3187}), [0, 0, 0, 16]),
        ("i.pgm", lambda file: _pgm(file, TWELVE_BITS, 4095), [0, 1, 1, 255]),
        ("i.tif", lambda file: _saved(file, FLOATS), [0, 64, 128, 255]),
        ("i.tif", lambda file: _saved(file, FLOATS + np.float32(1e-4)), [0, 64, 128, 255]),
        ("i.tif", lambda file: write_tiff(file, FLOATS, zero_is_white=True), [255, 191, 127, 0]),
        ("i.pgm", lambda file: file.write_bytes(b"Pf 4 4 -1.0\n" + FLOATS.tobytes()), [0, 64, 128, 255]),
    ],
)
def test_what_a_value_means_follows_from_its_type(
    tmp_path: Path, name: str, write: Callable[[Path], None], expected: list[int]
) -> None:
    """Also of an image that somebody has decoded before."""
    write(tmp_path / name)
    with Image.open(tmp_path / name) as image:
        image.load()
        for channels in (1, 3):
            assert read_picture(tmp_path / name, 4, channels, IMAGE_RULES).pixels[-1, 0].tolist() == expected
            assert opened_pixels(image, name, 4, channels, IMAGE_RULES)[-1, 0].tolist() == expected


def test_the_same_picture_as_bytes_and_as_floats_is_the_same(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (9, 9), dtype=np.uint8)
    for name, pixels in (("a.png", grey), ("b.tif", (grey / 255).astype(np.float32)), ("c.png", grey * np.uint16(257))):
        _saved(tmp_path / name, pixels)
        assert np.array_equal(read_picture(tmp_path / name, 9, 1, IMAGE_RULES).pixels[0], grey)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (FLOATS * 255, r"floats from 0 to 255, which are not between 0 and 1 \(.*i\.tif\): save it with"),
        (FLOATS - 1, r"floats from -1 to 0, which"),
        (np.where(FLOATS == 0, np.float32(np.nan), FLOATS), r"NaN or infinite \(.*i\.tif\)"),
        (np.where(FLOATS == 0, np.float32(np.inf), FLOATS), r"NaN or infinite \(.*i\.tif\)"),
        (FLOATS.astype(np.float64), r"no known image format or type of pixels \(.*i\.tif\)"),
        (SIXTEEN_BITS.astype(np.int16), r"signed pixels \(.*i\.tif\): save it with"),
        (SIXTEEN_BITS.astype(np.int8), r"signed pixels \(.*i\.tif\)"),
        (SIXTEEN_BITS.astype(np.int32), r"signed pixels \(.*i\.tif\)"),
        (SIXTEEN_BITS.astype(np.uint32), r"integers of 32 bits \(.*i\.tif\)"),
    ],
)
def test_a_type_without_a_known_white_is_refused_by_name(tmp_path: Path, pixels: NDArray[Any], message: str) -> None:
    write_tiff(tmp_path / "i.tif", pixels)
    with pytest.raises(DataError, match=message):
        read_picture(tmp_path / "i.tif", 4, 1, IMAGE_RULES)


@pytest.mark.parametrize("write", [_saved, _colour_png, lambda file, pixels: _pgm(file, pixels, 65535)])
def test_twelve_bits_stored_in_sixteen_are_refused_as_a_set(
    tmp_path: Path, write: Callable[[Path, NDArray[Any]], None]
) -> None:
    for name in ("a/0.png", "a/1.png", "b/0.png", "b/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, TWELVE_BITS)
    for read in (describe_folder, lambda path: load_folder(path, settings_of(path, 4, 1))):
        with pytest.raises(
            DataError, match=r"of 16 bits exceeds (4095|3855), .* \(.*\): scale their values to 0\.\.655"
        ):
            read(tmp_path)
    write(tmp_path / "b/1.png", SIXTEEN_BITS)  # the others are dark pictures then
    describe_folder(tmp_path)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [(SIXTEEN_BITS, [0, 0, 0, 255]), (SIXTEEN_BITS // 257, [0, 0, 0, 255]), (FLOATS, [0, 0, 0, 1])],
)
def test_a_study_of_before_reads_them_as_it_did(tmp_path: Path, pixels: NDArray[Any], expected: list[int]) -> None:
    _saved(tmp_path / "i.tif", pixels)
    assert read_picture(tmp_path / "i.tif", 4, 1, FORMER_IMAGE_RULES).pixels[0, 0].tolist() == expected
