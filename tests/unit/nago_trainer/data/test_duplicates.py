from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from nago_trainer.contract.data_source import DataSource
from nago_trainer.data.catalogue import survey
from nago_trainer.data.duplicates import NAMED_PAIRS, SIDE, difference_hash, duplicate_hints
from nago_trainer.data.listing import Listing


def _scene(seed: int) -> Image.Image:
    """As smooth as a photograph."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((160, 160), Image.Resampling.BICUBIC)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    for number, (part, name) in enumerate((part, name) for part in ("train", "test") for name in ("cat", "dog")):
        (tmp_path / part / name).mkdir(parents=True)
        for image in range(4):
            _scene(10 * number + image).save(tmp_path / part / name / f"{image}.png")
    return tmp_path


def _duplicates(path: Path) -> tuple[str, ...]:
    return survey(DataSource(name="folder", path=str(path), validation_fraction=0.25)).duplicates


def test_images_that_differ_are_no_duplicates(parts: Path) -> None:
    assert _duplicates(parts) == ()


def test_the_same_file_in_two_parts_is_named(parts: Path) -> None:
    (parts / "test" / "dog" / "copy.png").write_bytes((parts / "train" / "cat" / "2.png").read_bytes())
    (sentence,) = _duplicates(parts)
    assert sentence.startswith("1 images are the same file in two parts: train/cat/2.png (")
    assert "and test/dog/copy.png (test): remove one of each, or give them one group" in sentence


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((61, 70)),
        lambda image: image.filter(ImageFilter.GaussianBlur(1)),
        lambda image: Image.fromarray((np.asarray(image) * 0.95).astype(np.uint8)),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_almost_the_same_image_is_named(parts: Path, change: object, suffix: str) -> None:
    assert callable(change)
    change(_scene(1)).save(parts / "test" / "cat" / f"again.{suffix}")
    (sentence,) = _duplicates(parts)
    assert sentence.startswith("1 pairs of images in two parts look almost the same: ")
    assert f"again.{suffix} (test)" in sentence


def test_even_images_do_not_look_alike() -> None:
    assert difference_hash(np.full((3, SIDE, SIDE), 200, dtype=np.uint8)) is None
    assert difference_hash(np.random.default_rng(0).integers(100, 110, (3, SIDE, SIDE), dtype=np.uint8)) is None


def test_many_images_are_compared_in_less_than_quadratic_time_and_few_pairs_are_named() -> None:
    images = 30_000
    bits = np.random.default_rng(0).integers(0, 256, (images, 16), dtype=np.uint8)
    bits[1::100] = bits[::100]
    bits[1::100, 5] ^= 0b00101000
    root = Path("/images")
    listing = Listing(
        root=root,
        class_names=("a",),
        files=tuple(root / f"{number}.png" for number in range(images)),
        labels=np.zeros(images, dtype=np.int64),
        parts=(np.arange(images) % 2).astype(np.int8) * 2,
    )
    began = time.process_time()
    (sentence,) = duplicate_hints(listing, list(map(str, range(images))), [row.tobytes().hex() for row in bits])
    assert time.process_time() - began < 5
    assert sentence.startswith("300 pairs of images in two parts")
    assert f"and {300 - NAMED_PAIRS} more" in sentence
