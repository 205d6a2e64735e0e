"""Multi-objective test problems with known optima, on the unit cube, to be minimised; numpy alone.

Where the peers are measured, it is loaded too. Sources: BraninCurrin, DTLZ2 and VehicleSafety with reference points and
optima as in BoTorch's test functions (Balandat et al., 2020); ZDT1 to ZDT3 as in Zitzler, Deb and Thiele (2000).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LOUDEST, QUIETEST = 0.5, 0.01
"""Noise at the ends of the first input, in standard deviations of the objective over the cube."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    name: str
    dimensions: int
    reference: tuple[float, ...]
    best_hypervolume: float
    costs: Callable[[Array], Array]
    """Of points of the unit cube, shape (points, dimensions): without noise, shape (points, objectives)."""
    deviations: tuple[float, ...]
    """Of each objective over the cube."""
    noisy: bool = False

    @property
    def objectives(self) -> int:
        return len(self.reference)

    def noise(self, points: Array) -> Array:
        """Standard deviation of one evaluation, shape (points, objectives)."""
        level = QUIETEST + (LOUDEST - QUIETEST) * points[:, :1] ** 2
        return level * np.array(self.deviations) if self.noisy else np.zeros((len(points), self.objectives))

    def evaluate(self, points: Array, seed: tuple[int, int]) -> Array:
        """What a search is told. `seed`: of the run, and the number of the first point's evaluation."""
        draws = np.random.default_rng(seed).standard_normal((len(points), self.objectives))
        return self.costs(points) + self.noise(points) * draws


def _branin_currin(points: Array) -> Array:
    first, second = points[:, 0], points[:, 1]
    x, y = 15 * first - 5, 15 * second
    branin = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10
    damping = 1 - np.exp(-1 / (2 * np.maximum(second, 1e-12)))
    currin = damping * (2300 * first**3 + 1900 * first**2 + 2092 * first + 60)
    return np.column_stack([branin, currin / (100 * first**3 + 500 * first**2 + 4 * first + 20)])


def _zdt(points: Array, shape: Callable[[Array, Array], Array]) -> Array:
    first, g = points[:, 0], 1 + 9 * points[:, 1:].mean(axis=1)
    return np.column_stack([first, g * shape(first / g, first)])


def _dtlz2(points: Array) -> Array:
    radius, angle = 1 + ((points[:, 1:] - 0.5) ** 2).sum(axis=1), points[:, 0] * np.pi / 2
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def _vehicle_safety(points: Array) -> Array:
    a, b, c, d, e = (1 + 2 * points).T
    mass = 1640.2823 + 2.3573285 * a + 2.3220035 * b + 4.5688768 * c + 7.7213633 * d + 4.4559504 * e
    acceleration = (
        (6.5856 + 1.15 * a - 1.0427 * b + 0.9738 * c + 0.8364 * d - 0.3695 * a * d + 0.0861 * a * e + 0.3628 * b * d)
        - 0.1106 * a**2
        - 0.3437 * c**2
        + 0.1764 * d**2
    )
    intrusion = (
        (-0.0551 + 0.0181 * a + 0.1024 * b + 0.0421 * c - 0.0073 * a * b + 0.024 * b * c - 0.0118 * b * d)
        - 0.0204 * c * d
        - 0.008 * c * e
        - 0.0241 * b**2
        + 0.0109 * d**2
    )
    return np.column_stack([mass, acceleration, intrusion])


_QUIET = (
    Problem(
        name="BraninCurrin",
        dimensions=2,
        reference=(18.0, 6.0),
        best_hypervolume=59.36011874867746,
        costs=_branin_currin,
        deviations=(51.3, 2.65),
    ),
    Problem(
        name="ZDT1",
        dimensions=6,
        reference=(11.0, 11.0),
        best_hypervolume=120 + 2 / 3,
        costs=lambda points: _zdt(points, lambda ratio, first: 1 - np.sqrt(ratio)),
        deviations=(0.289, 1.14),
    ),
    Problem(
        name="ZDT2",
        dimensions=6,
        reference=(11.0, 11.0),
        best_hypervolume=120 + 1 / 3,
        costs=lambda points: _zdt(points, lambda ratio, first: 1 - ratio**2),
        deviations=(0.289, 1.18),
    ),
    Problem(
        name="ZDT3",
        dimensions=6,
        reference=(11.0, 11.0),
        best_hypervolume=128.77811613069076,
        costs=lambda points: _zdt(points, lambda ratio, first: 1 - np.sqrt(ratio) - ratio * np.sin(10 * np.pi * first)),
        deviations=(0.289, 1.19),
    ),
    Problem(
        name="DTLZ2",
        dimensions=6,
        reference=(1.1, 1.1),
        best_hypervolume=1.21 - np.pi / 4,
        costs=_dtlz2,
        deviations=(0.452, 0.452),
    ),
    Problem(
        name="VehicleSafety",
        dimensions=5,
        reference=(1864.72022, 11.81993945, 0.2903999384),
        best_hypervolume=246.81607081187002,
        costs=_vehicle_safety,
        deviations=(6.09, 0.963, 0.0298),
    ),
)


def _loud(problem: Problem) -> Problem:
    return Problem(
        name=f"{problem.name}-noisy",
        dimensions=problem.dimensions,
        reference=problem.reference,
        best_hypervolume=problem.best_hypervolume,
        costs=problem.costs,
        deviations=problem.deviations,
        noisy=True,
    )


PROBLEMS: Mapping[str, Problem] = {item.name: item for item in (*_QUIET, *map(_loud, _QUIET))}
