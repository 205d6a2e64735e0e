from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from nago_trainer.contract.task import IMAGE_RULES
from nago_trainer.data.folder_scan import SUFFIXES
from nago_trainer.data.picture import read_picture
from nago_trainer.errors import DataError

RED = (255, 0, 0)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".pgm", ".pbm"}))
def test_every_format_is_read(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"image{suffix}"
    Image.new("RGB", (16, 12), RED).save(file)
    pixels = read_picture(file, 8, 3, IMAGE_RULES).pixels
    assert pixels.shape == (3, 8, 8)
    assert np.allclose(pixels.mean((1, 2)), RED, atol=3)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, 255),
        ("L", 200, 200),
        ("LA", (200, 255), 200),
        ("LA", (200, 0), 255),
        ("I;16", 65535, 255),
        ("I;16", 257, 1),
        ("P", 0, 0),
        ("RGBA", (0, 0, 0, 0), 255),
        ("CMYK", (0, 0, 0, 0), 255),
    ],
)
def test_every_mode_becomes_bytes(tmp_path: Path, mode: str, colour: int, expected: int) -> None:
    file = tmp_path / "image.tif"
    Image.new(mode, (4, 4), colour).save(file)
    for channels in (1, 3):
        pixels = read_picture(file, 4, channels, IMAGE_RULES).pixels
        assert np.array_equal(pixels, np.full((channels, 4, 4), expected))


@pytest.mark.parametrize(("mode", "grey"), [("L", True), ("1", True), ("I;16", True), ("RGB", False), ("P", False)])
def test_a_header_tells_colour_and_size(tmp_path: Path, mode: str, grey: bool) -> None:
    Image.new(mode, (5, 9)).save(tmp_path / "image.png")
    header = read_picture(tmp_path / "image.png", 4, 1, IMAGE_RULES).header
    assert (header.grey, header.shorter_side) == (grey, 5)


def test_a_photograph_is_turned_as_its_camera_was_held(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 8))
    ImageDraw.Draw(image).rectangle((0, 0, 7, 3), fill="white")
    turned = Image.Exif()
    turned[0x0112] = 3  # orientation: upside down
    image.save(tmp_path / "image.png", exif=turned)
    pixels = read_picture(tmp_path / "image.png", 8, 1, IMAGE_RULES).pixels
    assert pixels[0, :, 0].tolist() == [0, 0, 0, 0, 255, 255, 255, 255]


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_text("text")
    with pytest.raises(
        DataError, match=r"cannot read the image: no known image format or type of pixels \(.*image\.png\)"
    ):
        read_picture(tmp_path / "image.png", 4, 1, IMAGE_RULES)
