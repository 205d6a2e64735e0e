"""Random changes of training images: crop, flip, cutout. Called by training, once for each batch.

All take a batch of images [B, C, S, S] and a generator on the CPU, treat every image on its own and leave their input
as it is. The same generator draws the same on whatever device the images are.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad


def random_crop(images: Tensor, padding: int, generator: Generator) -> Tensor:
    """A window of the images' own size out of the images with `padding` black pixels around them."""
    if padding == 0:
        return images
    count, _, height, width = images.shape
    padded = pad(images, [padding] * 4)
    tops, lefts = torch.randint(0, 2 * padding + 1, (2, count, 1), generator=generator).to(images.device)
    rows = (tops + torch.arange(height, device=images.device))[:, :, None]
    columns = (lefts + torch.arange(width, device=images.device))[:, None, :]
    batch = torch.arange(count, device=images.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[batch, rows, columns].permute(0, 3, 1, 2)


def random_flip(images: Tensor, generator: Generator) -> Tensor:
    """Half of the images, on average, mirrored left to right."""
    flipped = (torch.rand(len(images), generator=generator) < 0.5).to(images.device)
    return torch.where(flipped[:, None, None, None], images.flip(3), images)


def cutout(images: Tensor, side: int, generator: Generator) -> Tensor:
    """A square of `side` pixels set to zero, its centre anywhere in the image, so that part of it may fall outside.

    DeVries and Taylor, Improved Regularization of Convolutional Neural Networks with Cutout, 2017.
    """
    if side == 0:
        return images
    count, _, height, width = images.shape
    inside_rows = _window(height, side, count, generator)
    inside_columns = _window(width, side, count, generator)
    hidden = (inside_rows[:, :, None] & inside_columns[:, None, :]).to(images.device)
    return images.masked_fill(hidden[:, None], 0)


def _window(length: int, side: int, count: int, generator: Generator) -> Tensor:
    """[count, length]: true for `side` places in a row around a random centre, as many as lie inside."""
    starts = torch.randint(0, length, (count, 1), generator=generator) - side // 2
    places = torch.arange(length)
    return (places >= starts) & (places < starts + side)
