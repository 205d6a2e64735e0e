from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nago_trainer.contract.task import FITS, IMAGE_RULES
from nago_trainer.data.images import resize, resize_all
from nago_trainer.data.picture import opened_pixels, read_picture


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [3, 6, 12])
def test_an_even_image_stays_even(channels: int, size: int) -> None:
    colours = np.arange(10, 10 + 5 * channels, dtype=np.uint8).reshape(5, channels, 1, 1)
    resized = resize_all(np.broadcast_to(colours, (5, channels, 6, 6)).copy(), size)
    assert np.array_equal(resized, np.broadcast_to(colours, (5, channels, size, size)))


def test_a_shrunken_image_keeps_its_halves_apart() -> None:
    image = np.zeros((1, 1, 8, 8), dtype=np.uint8)
    image[..., 4:] = 200
    columns = resize_all(image, 4)[0, 0].mean(0)
    assert columns[0] < 30
    assert columns[-1] > 170


@pytest.mark.parametrize(
    ("fit", "row"),
    [("squash", [0, 100, 200, 250]), ("crop", [100, 100, 200, 200]), ("pad", [0, 100, 200, 250])],
)
def test_an_image_that_is_no_square_is_brought_to_one_in_the_chosen_way(fit: str, row: list[int]) -> None:
    wide = Image.fromarray(np.repeat(np.repeat(np.array([[0, 100, 200, 250]], dtype=np.uint8), 8, 0), 4, 1))  # 16 x 8
    pixels = np.asarray(resize(wide, 4, fit)).astype(int)
    assert np.abs(pixels[2] - row).max() <= 30
    assert (pixels[0].max() == 0) == (fit == "pad")


def test_files_and_opened_images_are_fitted_alike(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 20, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "wide.png")
    found = [read_picture(tmp_path / "wide.png", 6, 3, IMAGE_RULES, fit).pixels for fit in FITS]
    assert len({pixels.tobytes() for pixels in found}) == 3
    for fit, pixels in zip(FITS, found, strict=True):
        assert np.array_equal(pixels, opened_pixels(Image.fromarray(noise), "x", 6, 3, IMAGE_RULES, fit))
