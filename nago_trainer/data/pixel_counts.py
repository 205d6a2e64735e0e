"""How often each value occurs in images, from which their normalisation follows: exact at any number of images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nago_trainer.data.images import Pixels, PixelStore
from nago_trainer.data.split import Indices

COUNTED_VALUES = 65_536
"""Of a channel, at a time: counting takes eight times their memory."""


def count_values(pixels: Pixels | PixelStore, members: Indices | None = None) -> NDArray[np.int64]:
    """[C, 256], of all images or of these. Raises StorageError."""
    chosen = np.arange(pixels.shape[0]) if members is None else members
    counts = np.zeros((pixels.shape[1], 256), dtype=np.int64)
    step = max(1, COUNTED_VALUES // (pixels.shape[2] * pixels.shape[3]))
    for start in range(0, len(chosen), step):
        numbers = chosen[start : start + step]
        images = pixels[numbers] if isinstance(pixels, np.ndarray) else pixels.read(numbers)
        for channel in range(pixels.shape[1]):
            counts[channel] += np.bincount(images[:, channel].reshape(-1), minlength=256)
    return counts
