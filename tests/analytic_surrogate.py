"""A surrogate that is known exactly: two bowls, sure of themselves near given points. And a cube without rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nago_orchestrator.search.acquisition.inputs import Cube, Observations
from nago_orchestrator.search.surrogate.port import Array, Prediction

CENTRES = np.array([[0.2, 0.2], [0.8, 0.8]])


def bowls(points: Array) -> Array:
    """Squared distance to each centre, shape (points, 2): the front is the segment between them."""
    found: Array = ((points[:, None, :] - CENTRES[None, :, :]) ** 2).sum(axis=2)
    return found


@dataclass(frozen=True)
class Bowls:
    seen: Array
    """Where the surrogate is sure."""
    noise: float = 0.0

    def predict(self, points: Array) -> Prediction:
        distances = np.linalg.norm(points[:, None, :] - self.seen[None, :, :], axis=2).min(axis=1, initial=1.0)
        variance = np.repeat((0.3 * distances)[:, None] ** 2, 2, axis=1)
        return Prediction(mean=bowls(points), epistemic=variance, aleatoric=np.full_like(variance, self.noise**2))

    def mean_gradient(self, points: Array) -> Array:
        gradient: Array = 2 * (points[:, None, :] - CENTRES[None, :, :])
        return gradient

    def draw(self, points: Array, seed: int) -> Array:
        prediction = self.predict(points)
        drawn: Array = prediction.mean + np.sqrt(prediction.epistemic) * np.random.default_rng(seed).normal(size=2)
        return drawn


PLAIN = Cube(dimensions=2, round=lambda points: np.clip(points, 0.0, 1.0), to_model=lambda points: points)


def observations(points: Array, *, pending: Array | None = None, infeasible: Array | None = None) -> Observations:
    nothing = np.empty((0, 2))
    return Observations(
        points=points,
        search_points=points,
        costs=bowls(points),
        pending=nothing if pending is None else pending,
        infeasible=nothing if infeasible is None else infeasible,
    )


def distance_to_front(points: Array) -> Array:
    """From each point to the segment between the centres."""
    along = np.clip((points - 0.2).sum(axis=1) / 1.2, 0.0, 1.0)
    distance: Array = np.linalg.norm(points - (0.2 + 0.6 * along)[:, None], axis=1)
    return distance
