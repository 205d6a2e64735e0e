"""Spearman's rank correlation, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import spearmanr

FEWEST = 5
"""Pairs below which a rank correlation says nothing worth printing."""


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """None for fewer than FEWEST pairs or where one side is constant."""
    if len(first) < FEWEST or min(len(set(first)), len(set(second))) == 1:
        return None
    return float(spearmanr(first, second).statistic)


def spearman_interval(correlation: float, pairs: int) -> tuple[float, float] | None:
    """The 95 % interval by Fisher's z with variance (1 + r²/2) / (n - 3); None below 10 pairs.

    Bonett and Wright, Sample size requirements for estimating Pearson, Kendall and Spearman correlations, 2000, eq. 4.
    """
    if pairs < 10 or abs(correlation) >= 1:
        return None
    centre = math.atanh(correlation)
    half = 1.96 * math.sqrt((1 + correlation**2 / 2) / (pairs - 3))
    return math.tanh(centre - half), math.tanh(centre + half)
