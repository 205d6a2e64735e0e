"""Between the user's units and those of the network: inputs and costs of zero mean and unit variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nago_orchestrator.search.surrogate.port import Array


def normalise_points(points: Array) -> Array:
    """Of the unit cube, such that a uniform draw has mean 0 and variance 1 in every dimension.

    The cube's own moments, not those of the points: they exist for one point, and for many equal ones, and do not
    change when a search closes in.
    """
    return (points - 0.5) * math.sqrt(12)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostScale:
    """Per objective, shape (objectives,)."""

    centre: Array
    deviation: Array
    """Standard deviation; 1 for an objective without any."""

    @classmethod
    def of(cls, costs: Array) -> CostScale:
        """Of the finite costs in each column of shape (points, objectives); an objective without any has centre 0."""
        columns = [column[np.isfinite(column)] for column in costs.T]
        centre = np.array([_mean(column) for column in columns])
        deviation = np.array([_deviation(column, mean) for column, mean in zip(columns, centre, strict=True)])
        # Below the resolution of a double at that magnitude, a deviation is rounding.
        smallest = 8 * np.finfo(np.float64).eps * np.abs(centre)
        return cls(centre=centre, deviation=np.where(deviation > smallest, deviation, 1.0))

    def normalise(self, costs: Array) -> Array:
        return (costs - self.centre) / self.deviation


def _mean(column: Array) -> float:
    """Without overflow, whatever the magnitude."""
    if not column.size:
        return 0.0
    largest = float(np.max(np.abs(column))) or 1.0
    return float(np.mean(column / largest)) * largest


def _deviation(column: Array, mean: float) -> float:
    if not column.size:
        return 0.0
    away = column - mean
    largest = float(np.max(np.abs(away))) or 1.0
    return float(np.sqrt(np.mean((away / largest) ** 2))) * largest
