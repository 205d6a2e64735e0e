"""Sizes to which arrays are padded, so that a growing history compiles anew only when it doubles."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)
SMALLEST = 32


def size_class(count: int) -> int:
    """The smallest power of two, from 32 on, that holds `count`."""
    return max(SMALLEST, 1 << (count - 1).bit_length())


def pad_rows(rows: NDArray[Scalar], size: int, value: float) -> NDArray[Scalar]:
    """`rows` with rows of `value` after them, `size` in all."""
    missing = size - len(rows)
    padding = np.full((missing, *rows.shape[1:]), value, rows.dtype)
    return np.concatenate([rows, padding])
