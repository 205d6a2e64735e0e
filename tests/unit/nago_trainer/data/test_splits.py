from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nago_trainer.data.images import ImageSet
from nago_trainer.data.split import stratified_split
from nago_trainer.data.splits import make_splits, measure


@given(st.integers(0, 2**32), st.integers(1, 3))
def test_normalised_training_pixels_have_mean_0_and_variance_1(seed: int, channels: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, channels, 4, 4), dtype=np.uint8)
    normalised = measure(pixels).apply(torch.from_numpy(pixels)).transpose(0, 1).flatten(1)
    assert torch.allclose(normalised.mean(1), torch.zeros(channels), atol=1e-5)
    assert torch.allclose(normalised.std(1, correction=0), torch.ones(channels), atol=1e-5)


def test_a_channel_that_never_varies_becomes_zero() -> None:
    pixels = np.full((3, 1, 2, 2), 77, dtype=np.uint8)
    assert measure(pixels).apply(torch.from_numpy(pixels)).abs().max() == pytest.approx(0, abs=1e-6)


def test_validation_images_have_no_part_in_the_normalisation() -> None:
    labels = np.array([0] * 10 + [1] * 10)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 1, 4, 4), dtype=np.uint8)
    images = ImageSet(pixels=pixels, labels=labels, class_names=("a", "b"))
    splits = make_splits(images, fraction=0.3, seed=1, device=torch.device("cpu"))
    assert (len(splits.training.labels), len(splits.validation.labels)) == (14, 6)
    assert splits.normalisation == measure(splits.training.at(slice(None)).numpy())
    assert splits.normalisation != measure(pixels)


def test_the_parts_are_those_of_the_split_and_the_images_lie_in_memory_once() -> None:
    labels = np.array([0] * 10 + [1] * 10)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 1, 4, 4), dtype=np.uint8)
    images = ImageSet(pixels=pixels, labels=labels, class_names=("a", "b"))
    splits = make_splits(images, fraction=0.3, seed=1, device=torch.device("cpu"))
    for part, members in zip((splits.training, splits.validation), stratified_split(labels, 0.3, 1), strict=True):
        assert part.pixels is not None
        assert part.pixels.data_ptr() == pixels.ctypes.data
        assert np.array_equal(part.at(slice(None)).numpy(), pixels[members])
        assert np.array_equal(part.at(torch.tensor([3, 1])).numpy(), pixels[members[[3, 1]]])
        assert np.array_equal(part.labels.numpy(), labels[members])


def test_measuring_takes_little_more_memory_than_the_images() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2000, 3, 48, 48), dtype=np.uint8)
    members = np.arange(0, 2000, 2)
    tracemalloc.start()
    try:
        found = measure(pixels, members)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.3 * pixels.nbytes
    assert found == measure(pixels[members])
    assert np.allclose(found.mean, pixels[members].mean((0, 2, 3)) / 255)


def test_with_test_images_all_others_are_trained_on() -> None:
    generator = np.random.default_rng(0)
    sets = [
        ImageSet(
            pixels=generator.integers(0, 256, (count, 1, 4, 4), dtype=np.uint8),
            labels=np.arange(count) % 2,
            class_names=("a", "b"),
        )
        for count in (20, 8)
    ]
    splits = make_splits(replace(sets[0], test=sets[1]), fraction=0.3, seed=1, device=torch.device("cpu"))
    assert torch.equal(splits.training.at(slice(None)), torch.from_numpy(sets[0].pixels))
    assert torch.equal(splits.validation.at(slice(None)), torch.from_numpy(sets[1].pixels))
    assert splits.normalisation == measure(sets[0].pixels)
