"""What acquisitions ask of a model of the objectives. Implemented by `fitted` and `gaussian_process`; numpy alone at
this boundary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Of costs, to be minimised, at some points; each array has the shape (points, objectives)."""

    mean: Array
    epistemic: Array
    """Variance between functions of the posterior: it shrinks as evaluations come."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    surrogate: Surrogate
    notes: Mapping[str, Any]
    """Diagnostics, JSON."""

    @property
    def problem(self) -> str | None:
        """Why not to trust the fit, in one sentence: the first complaint of its diagnostics."""
        found = (item.get("problem") for item in self.notes.get("objectives", ()))
        return next((problem for problem in found if problem), None)


class Fit(Protocol):
    """Fits a surrogate to evaluations: points of the model cube, scaled costs, and numbers of samples behind them."""

    def __call__(self, points: Array, costs: Array, samples: Array, seed: int) -> Fitted: ...
