from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor
from torch.nn.functional import pad

from nago_trainer.data.augmentation import cutout, random_crop, random_flip

shapes = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(2, 6)).map(lambda s: (s[0], s[1], s[2], s[2]))
seeds = st.integers(0, 2**31)
Change = Callable[[Tensor, Generator], Tensor]
CHANGES: dict[str, Change] = {
    "crop": lambda images, draws: random_crop(images, 2, draws),
    "flip": random_flip,
    "cutout": lambda images, draws: cutout(images, 3, draws),
}


def _images(shape: tuple[int, ...]) -> Tensor:
    return torch.randint(1, 256, shape, dtype=torch.uint8, generator=Generator().manual_seed(0))


def _draws(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


@given(shapes, seeds, st.integers(0, 3))
def test_a_crop_is_a_window_of_the_padded_image(shape: tuple[int, ...], seed: int, padding: int) -> None:
    images = _images(shape)
    size = shape[-1]
    for image, crop in zip(images, random_crop(images, padding, _draws(seed)), strict=True):
        padded = pad(image, [padding] * 4)
        starts = product(range(2 * padding + 1), repeat=2)
        assert any(torch.equal(padded[:, top : top + size, left : left + size], crop) for top, left in starts)


@given(shapes, seeds)
def test_a_flip_mirrors_whole_images_or_leaves_them(shape: tuple[int, ...], seed: int) -> None:
    images = _images(shape)
    for image, flipped in zip(images, random_flip(images, _draws(seed)), strict=True):
        assert torch.equal(flipped, image) or torch.equal(flipped, image.flip(2))


@given(shapes, seeds, st.integers(0, 8))
def test_cutout_hides_a_rectangle_in_all_channels(shape: tuple[int, ...], seed: int, side: int) -> None:
    images = _images(shape)
    for image, cut in zip(images, cutout(images, side, _draws(seed)), strict=True):
        hidden = (cut == 0).all(0)
        assert torch.equal(cut == 0, hidden.expand_as(cut))
        assert torch.equal(cut[:, ~hidden], image[:, ~hidden])
        rows, columns = hidden.any(1), hidden.any(0)
        assert torch.equal(hidden, rows[:, None] & columns[None, :])
        assert max(int(rows.sum()), int(columns.sum())) <= side
        assert hidden.any() or side == 0


@pytest.mark.parametrize("name", CHANGES)
def test_a_generator_decides_and_the_input_stays(name: str) -> None:
    images = _images((16, 3, 8, 8))
    before = images.clone()
    first, again, other = (CHANGES[name](images, _draws(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(images, before)
    assert first.dtype == images.dtype
    assert first.shape == images.shape


@pytest.mark.parametrize("name", CHANGES)
def test_images_of_a_batch_differ_from_each_other(name: str) -> None:
    same = _images((1, 3, 8, 8)).expand(64, 3, 8, 8)
    changed = CHANGES[name](same, _draws())
    assert len({image.numpy().tobytes() for image in changed}) > 1


def test_half_of_the_images_are_flipped() -> None:
    images = torch.tensor([0.0, 1.0]).expand(2000, 1, 2, 2)
    assert random_flip(images, _draws())[:, 0, 0, 0].mean() == pytest.approx(0.5, abs=0.05)


def test_every_window_of_a_crop_is_as_likely() -> None:
    images = torch.zeros(9000, 1, 3, 3)
    images[:, 0, 1, 1] = 1
    shares = random_crop(images, 1, _draws()).mean(0)
    assert torch.allclose(shares, torch.full_like(shares, 1 / 9), atol=0.02)
