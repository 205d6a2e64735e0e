"""Spearman's rank correlation, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

FEWEST = 5
"""Pairs below which a rank correlation says nothing worth printing."""


def ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    shared = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for position in range(start, end + 1):
            shared[order[position]] = (start + end) / 2 + 1
        start = end + 1
    return shared


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Pearson's correlation of the ranks; None for fewer than FEWEST pairs or where one side is constant."""
    if len(first) < FEWEST:
        return None
    left, right = ranks(first), ranks(second)
    mean = (len(left) + 1) / 2
    covariance = sum((a - mean) * (b - mean) for a, b in zip(left, right, strict=True))
    spread = math.sqrt(sum((a - mean) ** 2 for a in left) * sum((b - mean) ** 2 for b in right))
    return covariance / spread if spread > 0 else None


def spearman_interval(correlation: float, pairs: int) -> tuple[float, float] | None:
    """The 95 % interval by Fisher's z with variance (1 + r²/2) / (n - 3); None below 10 pairs.

    Bonett and Wright, Sample size requirements for estimating Pearson, Kendall and Spearman correlations, 2000, eq. 4.
    """
    if pairs < 10 or abs(correlation) >= 1:
        return None
    centre = math.atanh(correlation)
    half = 1.96 * math.sqrt((1 + correlation**2 / 2) / (pairs - 3))
    return math.tanh(centre - half), math.tanh(centre + half)
