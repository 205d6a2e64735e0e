"""What `benchmarks.surrogate` fits: functions whose noise is known and depends on the input, and real evaluations."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nago_orchestrator.search.surrogate.port import Array

TABLE = Path(__file__).parent / "data" / "digits-random.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyFunction:
    """On the unit cube."""

    name: str
    dimensions: int
    mean: Callable[[Array], Array]
    deviation: Callable[[Array], Array]
    """Of the noise."""

    def draw(self, rng: np.random.Generator, points: int) -> tuple[Array, Array]:
        """Uniform points and a noisy cost of each, shapes (points, dimensions) and (points, 1)."""
        inputs = rng.random((points, self.dimensions))
        return inputs, (self.mean(inputs) + self.deviation(inputs) * rng.standard_normal(points))[:, None]


def branin(x: Array) -> Array:
    """Rescaled to the unit square."""
    a, b = 15 * x[:, 0] - 5, 15 * x[:, 1]
    bowl = (b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10


NOISY_FUNCTIONS = (
    NoisyFunction(
        name="sine, 2 dimensions",
        dimensions=2,
        mean=lambda x: np.sin(2 * np.pi * x[:, 0]) * (1 + x[:, 1]),
        deviation=lambda x: 0.02 + 0.6 * x[:, 0] ** 2,
    ),
    NoisyFunction(
        name="Branin, 2 dimensions",
        dimensions=2,
        mean=branin,
        deviation=lambda x: 1 + 60 * x[:, 0] * x[:, 1],
    ),
    NoisyFunction(
        name="bowl, 4 dimensions",
        dimensions=4,
        mean=lambda x: 4 * ((x - 0.4) ** 2).sum(1) + x[:, 0] * x[:, 1],
        deviation=lambda x: 0.02 + 0.5 * x[:, 2] ** 2,
    ),
    NoisyFunction(
        name="sum of effects, 8 dimensions",
        dimensions=8,
        mean=lambda x: np.sin(2 * np.pi * x[:, 0]) + 4 * (x[:, 1] - 0.3) ** 2 + 2 * x[:, 2] * x[:, 3] + 0.5 * x[:, 4],
        deviation=lambda x: 0.05 + 0.8 * x[:, 1] ** 2,
    ),
)


def digits_table() -> tuple[Array, Array]:
    """Points of the unit cube (canonical thetas) and costs (error, bytes per sample), 160 rows each."""
    with TABLE.open(newline="") as file:
        rows = np.array([[float(value) for value in row.values()] for row in csv.DictReader(file)])
    thetas = rows[:, :-2]
    low, high = thetas.min(0), thetas.max(0)
    return (thetas - low) / np.where(high > low, high - low, 1.0), rows[:, -2:]
