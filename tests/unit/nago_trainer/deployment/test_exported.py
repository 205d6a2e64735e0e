"""What the exported graph makes of an image is what training makes of it, as far as the description says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sklearn
import torch
from numpy.typing import NDArray
from PIL import Image

from nago_trainer.contract.task import IMAGE_RULES
from nago_trainer.data.images import to_pixels
from nago_trainer.data.picture import read_picture
from nago_trainer.deployment.exported import resized

PHOTOGRAPH = Path(sklearn.__file__).parent / "datasets" / "images" / "flower.jpg"


def _differences(file: Path, size: int, channels: int, *, draft: bool) -> NDArray[np.int64]:
    """Between the graph's pixels and those of training."""
    mode = "L" if channels == 1 else "RGB"
    with Image.open(file) as image:
        if draft:
            image.draft(mode, (size, size))
        batch = torch.from_numpy(to_pixels(image.convert(mode)).copy())[None]
    trained = read_picture(file, size, channels, IMAGE_RULES).pixels.astype(np.int64)
    differences: NDArray[np.int64] = np.abs(resized(batch, size)[0].numpy().astype(np.int64) - trained)
    return differences


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 32, 64, 224])
def test_pixels_are_within_a_level_and_of_a_jpeg_decoded_in_full_within_what_is_documented(
    tmp_path: Path, size: int, channels: int
) -> None:
    with Image.open(PHOTOGRAPH) as image:
        image.save(tmp_path / "photograph.png")
    assert _differences(tmp_path / "photograph.png", size, channels, draft=False).max() <= 1
    assert _differences(PHOTOGRAPH, size, channels, draft=True).max() <= 1
    in_full = _differences(PHOTOGRAPH, size, channels, draft=False)
    assert in_full.mean() <= 3.3
    assert in_full.max() <= 66
