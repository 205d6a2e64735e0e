"""A density over a cube of float and integer dimensions: one product kernel for each point, and a uniform part. Pure.

With n points xⱼ and kernels truncated to the cube and normalised, the density at x is

    p(x) = (u + Σⱼ Π_d k((x_d - xⱼ_d) / h_d)) / (n + 1),

k the normal density for a float, its mass within the value's part of [0, 1] for an integer, and u the uniform density.

`sampler.py` draws thetas from it and compares two of them. The cube is the search cube of `encoding.py`: a float
is its share of the range, an integer has an equal part of [0, 1] for each of its values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from nago_orchestrator.evaluation.pareto import Array

_NEIGHBOUR = 2
"""A kernel is as wide as the way to this many points, so that narrow fronts get narrow kernels, and gaps wide ones."""
_LONE_WIDTH = 0.3
_WIDEST = 0.5
_SMALLEST_EXPONENT = -700.0
"""Of e, before a double becomes 0."""
_EDGE = 1e-12


class Density:
    """Of the points given; each counts once, and all of the cube together `1 / (points + 1)`."""

    def __init__(self, points: Array, parts: Array, smallest_width: float) -> None:
        """`points`: shape (points, dimensions). `parts`: values of each dimension, 0 for a float."""
        self._points = points
        self._parts = parts
        self._widths = _kernel_widths(points, parts, smallest_width)
        # A kernel has no mass outside of the cube.
        self._mass = ndtr((1 - points) / self._widths) - ndtr(-points / self._widths)

    def log(self, at: Array) -> Array:
        """Logarithm of the density at each point, shape (points,); an integer counts by probability."""
        logs = np.zeros((len(at), len(self._points)))
        for dimension, parts in enumerate(self._parts):
            logs += self._log_kernel(at[:, dimension, None], dimension, int(parts))
        uniform = -np.log(self._parts[self._parts > 0]).sum()
        every = np.column_stack([logs, np.full(len(at), uniform)])
        top = every.max(axis=1)
        relative = np.exp(np.maximum(every - top[:, None], _SMALLEST_EXPONENT))
        found: Array = top + np.log(relative.sum(axis=1) / every.shape[1])
        return found

    def draw(self, rng: np.random.Generator, count: int, widening: float) -> Array:
        """Points of the cube, shape (count, dimensions), from kernels that are `widening` times as wide."""
        chosen = rng.integers(len(self._points) + 1, size=count)
        at = rng.random((count, self._points.shape[1]))
        near = chosen < len(self._points)
        centres, widths = self._points[chosen[near]], widening * self._widths[chosen[near]]
        low, high = ndtr(-centres / widths), ndtr((1 - centres) / widths)
        shares = np.clip(low + at[near] * (high - low), _EDGE, 1 - _EDGE)
        at[near] = np.clip(centres + widths * ndtri(shares), 0.0, 1.0)
        return at

    def _log_kernel(self, at: Array, dimension: int, parts: int) -> Array:
        """Shape (at, points): one row for each point asked for."""
        centres, widths = self._points[:, dimension], self._widths[:, dimension]
        if parts:
            low = np.clip(np.floor(at * parts), 0, parts - 1) / parts
            inside = ndtr((low + 1 / parts - centres) / widths) - ndtr((low - centres) / widths)
            logs = np.log(np.maximum(inside, np.exp(_SMALLEST_EXPONENT)))
        else:
            logs = -0.5 * ((at - centres) / widths) ** 2 - np.log(widths * np.sqrt(2 * np.pi))
        found: Array = logs - np.log(self._mass[:, dimension])
        return found


def _kernel_widths(points: Array, parts: Array, smallest: float) -> Array:
    """Shape (points, dimensions). An integer's is half a value at least, so that its neighbours stay likely."""
    least: Array = np.maximum(smallest, 0.5 / np.where(parts > 0, parts, np.inf))
    neighbour = min(_NEIGHBOUR, len(points) - 1)
    own = _way_to(neighbour, points) if neighbour > 0 else np.full(len(points), _LONE_WIDTH)
    widths: Array = np.clip(own[:, None], least, np.maximum(_WIDEST, least))
    return widths


def _way_to(neighbour: int, points: Array) -> NDArray[np.float64]:
    """Distance of each point to its nearest, second nearest, ... other point, per dimension: over their root."""
    squares = np.zeros((len(points), len(points)))
    for column in points.T:
        squares += (column[:, None] - column[None, :]) ** 2
    found: Array = np.sqrt(np.partition(squares, neighbour, axis=1)[:, neighbour] / points.shape[1])
    return found
