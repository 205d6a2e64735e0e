"""Costs as a surrogate and an acquisition can live with them: finite, centred, in units of their own spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_FENCE = 3.0
"""Interquartile ranges above the upper quartile beyond which a cost counts as no worse (Tukey's far-out fence)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """One number per objective, shape (objectives,)."""

    centre: Array
    spread: Array
    ceiling: Array
    """Costs above it, infinite or not a number are told as this much: a diverged training must not flatten the rest."""

    def forward(self, costs: Array) -> Array:
        """Costs in the user's units, shape (points, objectives), as multiples of the spread; always finite."""
        with np.errstate(over="ignore"):
            bounded = np.where(np.isnan(costs), self.ceiling, np.minimum(costs, self.ceiling))
        lowest = np.where(np.isneginf(bounded), self.centre - self.spread * 1e3, bounded)
        return self.place(lowest)

    def place(self, costs: Array) -> Array:
        """Any costs in the user's units, shape (..., objectives), as multiples of the spread, however bad they are."""
        scaled: Array = costs / self.spread - self.centre / self.spread
        return scaled

    def of(self, objectives: Sequence[int]) -> Scaling:
        """The scaling of some of the objectives alone."""
        places = list(objectives)
        return Scaling(centre=self.centre[places], spread=self.spread[places], ceiling=self.ceiling[places])


def scaling_of(costs: Array) -> Scaling:
    """Of the costs told so far, shape (points, objectives); where none is finite, of the user's units as they are."""
    columns = [_scale(column[np.isfinite(column)]) for column in costs.T]
    centre, spread, ceiling = (np.array(numbers, dtype=np.float64) for numbers in zip(*columns, strict=True))
    return Scaling(centre=centre, spread=spread, ceiling=ceiling)


def _scale(finite: Array) -> tuple[float, float, float]:
    """Centre, spread and ceiling; an objective without a spread keeps its units' magnitude."""
    if not len(finite):
        return 0.0, 1.0, 0.0
    lower, upper = np.percentile(finite, [25, 75])
    fence = upper + _FENCE * (upper - lower) if upper > lower else np.inf
    ceiling = float(finite[finite <= fence].max())
    bounded = np.minimum(finite, ceiling)
    # Divided first: the squares of 1e200 are no numbers any more.
    magnitude = float(np.abs(bounded).max()) or 1.0
    spread = float((bounded / magnitude).std()) * magnitude
    negligible = 1e-12 * magnitude
    return float((bounded / magnitude).mean()) * magnitude, spread if spread > negligible else magnitude, ceiling
