"""How version 0.1.0 read pixels of more than a byte: by the largest value of each image. For studies that began so."""

from __future__ import annotations

import numpy as np
from PIL import Image


def to_grey_bytes_by_peak(image: Image.Image) -> Image.Image:
    """Values up to 255 are taken as they are, up to 65,535 as 16 bits, others are stretched to the largest."""
    values = np.asarray(image, dtype=np.float64)
    largest = float(values.max())
    scale = 1.0 if largest <= 255 else 255 / max(largest, 65535)
    return Image.fromarray(np.clip(values * scale, 0, 255).astype(np.uint8))
