"""Sizes to which arrays are padded, so that a growing history compiles anew only when it doubles."""

from __future__ import annotations

import numpy as np

from nago_orchestrator.surrogate.port import Array

SMALLEST = 32


def size_class(count: int) -> int:
    """The smallest power of two, from 32 on, that holds `count`."""
    return max(SMALLEST, 1 << (count - 1).bit_length())


def pad_rows(rows: Array, size: int, value: float) -> Array:
    """`rows` with rows of `value` after them, `size` in all."""
    missing = size - len(rows)
    return np.pad(rows, [(0, missing)] + [(0, 0)] * (rows.ndim - 1), constant_values=value)
