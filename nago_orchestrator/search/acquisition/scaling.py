"""Costs as a surrogate and an acquisition can live with them: finite, centred, in units of their own standard
deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_FENCE = 10.0
"""How far above the upper quartile a cost may lie, as a multiple of the way there from the lowest one.

From the lowest, not from the lower quartile (Tukey's fence): most costs may be equal, at chance level. The better three
quarters still span a fifth of the scaled costs' deviation, whatever lies just below the fence; and of exponential
costs, or of logarithms that are normal, none or one in some hundred is cut.
"""
_REACH = 20.0
"""How far above the median the upper quartile may lie, likewise. Beyond, more than a quarter must have diverged."""
_FARTHEST = 1e100
"""Scaled costs beyond it are cut: squares of them must still be numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """One number per objective, shape (objectives,)."""

    centre: Array
    deviation: Array
    ceiling: Array
    """Costs above it, infinite or not a number count as this much: a diverged training must not flatten the rest."""
    floor: Array
    """The lowest finite cost: what minus infinity counts as."""

    def forward(self, costs: Array) -> Array:
        """Costs in the user's units, shape (points, objectives), as multiples of the deviation; always finite."""
        bounded = np.where(np.isnan(costs), self.ceiling, np.minimum(costs, self.ceiling))
        return self.scale(np.where(np.isneginf(bounded), self.floor, bounded))

    def scale(self, costs: Array) -> Array:
        """Any costs in the user's units, shape (..., objectives), as multiples of the deviation, however bad they
        are."""
        with np.errstate(over="ignore"):
            scaled: Array = np.clip(costs / self.deviation - self.centre / self.deviation, -_FARTHEST, _FARTHEST)
        return scaled

    def of(self, objectives: Sequence[int]) -> Scaling:
        """The scaling of some of the objectives alone."""
        indices = list(objectives)
        return Scaling(
            centre=self.centre[indices],
            deviation=self.deviation[indices],
            ceiling=self.ceiling[indices],
            floor=self.floor[indices],
        )


def scaling_of(costs: Array) -> Scaling:
    """Of the costs observed so far, shape (points, objectives); where none is finite, of the user's units as they
    are."""
    columns = [_scale(column[np.isfinite(column)]) for column in costs.T]
    centre, deviation, ceiling, floor = (np.array(numbers, dtype=np.float64) for numbers in zip(*columns, strict=True))
    return Scaling(centre=centre, deviation=deviation, ceiling=ceiling, floor=floor)


class _Scale(NamedTuple):
    """Of one objective."""

    centre: float
    deviation: float
    ceiling: float
    floor: float


def _scale(finite: Array) -> _Scale:
    """An objective whose costs are all equal keeps its units' magnitude."""
    if not len(finite):
        return _Scale(0.0, 1.0, 0.0, 0.0)
    ceiling = float(finite[finite <= _fence(finite)].max())
    bounded = np.minimum(finite, ceiling)
    # Divided first: the squares of 1e200 are no numbers any more.
    magnitude = float(np.abs(bounded).max()) or 1.0
    deviation = float((bounded / magnitude).std()) * magnitude
    negligible = 1e-12 * magnitude
    centre = float((bounded / magnitude).mean()) * magnitude
    return _Scale(centre, deviation if deviation > negligible else magnitude, ceiling, float(finite.min()))


def _fence(finite: Array) -> float:
    """The cost beyond which any counts as no worse; infinite where there are too few different ones to tell."""
    ordered = np.sort(finite)
    if _quartile(ordered, 3) == ordered[0]:
        # All but a few are equal, and the best: only how the values differ can tell which of the others are far out.
        ordered = np.unique(ordered)
    lowest, median, upper = ordered[0], _quartile(ordered, 2), _quartile(ordered, 3)
    with np.errstate(over="ignore"):
        if median > lowest and upper > median + _REACH * (median - lowest):
            upper = median
        return float(upper + _FENCE * (upper - lowest)) if upper > lowest else np.inf


def _quartile(ordered: Array, number: int) -> float:
    """A cost among them, not one between two: of four costs, one of which is far out, the third."""
    return float(ordered[number * (len(ordered) - 1) // 4])
