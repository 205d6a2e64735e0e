"""Some of many rows, where all would be too many to draw or to fit a model to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def evenly(rows: Sequence[T], most: int) -> list[T]:
    """At most `most` rows, the first and the last among them, evenly spaced in the order given."""
    if len(rows) <= most:
        return list(rows)
    if most < 2:
        return list(rows[:most])
    return [rows[round(index * (len(rows) - 1) / (most - 1))] for index in range(most)]
