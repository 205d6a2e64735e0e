"""Between thetas and the unit cube: where a search moves, and where a surrogate sees each generator exactly once.

Two cubes have the space's dimensions as axes. In the *search cube* an optimiser moves: a float is its share of the
range, an integer has an equal part of [0, 1] to itself. In the *model cube* lies the canonical theta, so that thetas
that sample the same architectures (k = 2 and k = 3, a probability without effect, proportional weights) are one point.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nago_orchestrator.domain.proposals import Theta
from nago_orchestrator.domain.space import IntegerRange, SearchSpace
from nago_trainer.architecture import ThetaError, canonical

Array = NDArray[np.float64]

_INWARD = 1e-6
"""How far a theta that is illegal at the cube's edge (all weights 0) is moved inside."""
_FEW = 4096
"""Points of a space of integers alone up to which they are listed."""


class Encoding:
    """Of one space; holds nothing but what follows from it."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._names = [dimension.name for dimension in space.dimensions]
        self._lowest = np.array([dimension.low for dimension in space.dimensions], dtype=np.float64)
        self._integers = np.array([isinstance(dimension, IntegerRange) for dimension in space.dimensions], dtype=bool)
        # An integer range holds high - low + 1 values.
        self._extent = np.array([item.high - item.low for item in space.dimensions], dtype=np.float64) + self._integers
        bounds = [self._canonical_range(name) for name in self._names]
        self._model_low = np.array([low for low, _ in bounds], dtype=np.float64)
        width = np.array([high - low for low, high in bounds], dtype=np.float64)
        self._model_width = np.where(width > 0, width, 1.0)

    @property
    def dimensions(self) -> int:
        return len(self._names)

    def decode(self, points: Array) -> list[dict[str, float | int]]:
        """The complete thetas at points of the search cube, shape (points, dimensions)."""
        return [self._legal(row)[0] for row in np.atleast_2d(points)]

    def encode(self, thetas: Iterable[Theta]) -> Array:
        """The thetas' points in the model cube, shape (thetas, dimensions)."""
        return self._model_points(map(canonical, thetas))

    def to_model(self, points: Array) -> Array:
        """`encode` of `decode`: from the search cube to the model cube, shape kept."""
        return self._model_points(self._legal(row)[1] for row in np.atleast_2d(points))

    def locate(self, thetas: Iterable[Theta]) -> Array:
        """The thetas' points in the search cube, shape (thetas, dimensions); `decode` leads back to them."""
        rows = [[theta[name] for name in self._names] for theta in thetas]
        table = np.array(rows, dtype=np.float64).reshape(len(rows), self.dimensions)
        found: Array = np.clip((table - self._lowest + 0.5 * self._integers) / self._extent, 0.0, 1.0)
        return found

    def round(self, points: Array) -> Array:
        """Points of the search cube with every integer at the middle of its part; shape kept."""
        parts = np.where(self._integers, self._extent, 1.0)
        middle = (np.clip(np.floor(points * parts), 0, parts - 1) + 0.5) / parts
        rounded: Array = np.where(self._integers, middle, np.clip(points, 0.0, 1.0))
        return rounded

    def every(self) -> Array | None:
        """All points of the search cube that `round` leads to, shape (points, dimensions); None if they are many."""
        if not self._integers.all() or self._extent.prod() > _FEW:
            return None
        middles = [(np.arange(count) + 0.5) / count for count in self._extent]
        return np.array(list(product(*middles)), dtype=np.float64)

    def _model_points(self, forms: Iterable[Theta]) -> Array:
        rows = [[form[name] for name in self._names] for form in forms]
        table = np.array(rows, dtype=np.float64).reshape(len(rows), self.dimensions)
        found: Array = np.clip((table - self._model_low) / self._model_width, 0.0, 1.0)
        return found

    def _legal(self, point: Array) -> tuple[dict[str, float | int], dict[str, float | int]]:
        """The theta at a point, and its canonical form."""
        try:
            theta = self._theta(point)
            return theta, canonical(theta)
        except ThetaError:
            theta = self._theta(np.clip(point, _INWARD, 1 - _INWARD))
            return theta, canonical(theta)

    def _theta(self, point: Array) -> dict[str, float | int]:
        steps = point * self._extent
        steps = np.where(self._integers, np.minimum(np.floor(steps), self._extent - 1), steps)
        return self._space.theta(dict(zip(self._names, (self._lowest + steps).tolist(), strict=True)))

    def _canonical_range(self, name: str) -> tuple[float, float]:
        """From the corners of the space: the canonical form is monotone in each value, up or down, given the others."""
        corners = [self._corner(name, own, others) for own, others in product((0.0, 1.0), repeat=2)]
        values = [float(corner[name]) for corner in corners]
        return min(values), max(values)

    def _corner(self, name: str, own: float, others: float) -> Mapping[str, float | int]:
        return self._legal(np.array([own if item == name else others for item in self._names]))[1]
