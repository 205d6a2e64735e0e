"""What acquisitions ask of a model of the objectives. Implemented by `surrogate.fit`; numpy alone at this boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Of costs, to be minimised, at some points; each array has the shape (points, objectives)."""

    mean: Array
    epistemic: Array
    """Variance between the functions that the model believes in: it shrinks as evaluations come."""
    aleatoric: Array
    """Variance of a single evaluation around its function: it stays."""


class Surrogate(Protocol):
    """Points lie in the unit cube, shape (points, dimensions)."""

    def predict(self, points: Array) -> Prediction: ...

    def mean_gradient(self, points: Array) -> Array:
        """Of the predictive mean, shape (points, objectives, dimensions)."""
        ...

    def draw(self, points: Array, seed: int) -> Array:
        """One function of the posterior, the same for the same seed: its costs, shape (points, objectives)."""
        ...
