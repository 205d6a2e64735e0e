from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits as load_with_sklearn

from nago_trainer.data.digits import describe_digits, load_digits


def test_the_images_are_those_of_scikit_learn() -> None:
    ours, theirs = load_digits(8), load_with_sklearn()
    assert np.allclose(ours.pixels[:, 0] * (16 / 255), theirs.images, atol=0.05)
    assert np.array_equal(ours.labels, theirs.target)


@pytest.mark.parametrize("size", [5, 8, 16])
def test_the_images_are_as_described(size: int) -> None:
    images, described = load_digits(size), describe_digits()
    assert images.pixels.shape == (described.images, described.channels, size, size)
    assert images.pixels.dtype == np.uint8
    assert images.pixels.max() > 200
    assert images.class_names == described.class_names
