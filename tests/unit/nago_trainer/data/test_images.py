from __future__ import annotations

import numpy as np
import pytest

from nago_trainer.data.images import resize_all


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
