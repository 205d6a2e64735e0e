"""What a choice of points is given: where points may lie, what was observed there, and a model of all objectives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nago_orchestrator.domain.generator_key import GeneratorKey, key_of_values
from nago_orchestrator.evaluation.pareto import non_dominated
from nago_orchestrator.search.acquisition.feasibility import probability_feasible
from nago_orchestrator.search.surrogate.port import Array, Surrogate

PointsTo = Callable[[Array], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cube:
    """The two cubes of `encoding.Encoding`: the search moves in the one, models see the other."""

    dimensions: int
    round: PointsTo
    """To the nearest points of the search cube that stand for a theta."""
    to_model: PointsTo
    """From the search cube to the model cube, where equal generators are one point."""
    every: Array | None = None
    """All points of the search cube that stand for a theta, where they are few enough to look at each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """Of all that was proposed so far: points of the model cube, shape (points, dimensions)."""

    points: Array
    """Evaluated."""
    search_points: Array
    """The same points in the search cube."""
    costs: Array
    """Theirs, scaled: shape (points, objectives)."""
    pending: Array
    infeasible: Array
    reference: Array | None = None
    """Scaled: the worst costs that count in the hypervolume, shape (objectives,). None: a little beyond the front."""

    def keys(self) -> set[GeneratorKey]:
        """Of every generator that was proposed."""
        return set(keys(np.vstack([self.points, self.pending, self.infeasible])))

    def front(self) -> Array:
        """The evaluated points that no other dominates, in the search cube."""
        found: Array = self.search_points[non_dominated(self.costs)]
        return found

    def log_feasible(self, points: Array) -> Array:
        """ln of the probability that a point can be trained, shape (points,)."""
        seen = np.vstack([self.points, self.infeasible])
        feasible = np.arange(len(seen)) < len(self.points)
        found: Array = np.log(probability_feasible(points, seen, feasible))
        return found


def keys(points: Array) -> list[GeneratorKey]:
    """Of points of the model cube: equal for equal generators."""
    return [key_of_values(row) for row in points.tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """Of all objectives: some are learnt by a surrogate, the others are cheap. In the model cube, scaled."""

    surrogate: Surrogate
    """Of the learnt objectives, in their order."""
    learnt: tuple[int, ...]
    """Indices of the learnt objectives among all; at least one."""
    cheap: tuple[int, ...] = ()
    """Of the objectives that are computed without an evaluation."""
    cheap_costs: PointsTo | None = None
    """Shape (points, cheap objectives). Needed where an objective is cheap."""

    def join(self, learnt: Array, points: Array) -> Array:
        """Columns of the learnt objectives, completed by the cheap costs at the points: shape (points, objectives)."""
        if not self.cheap or self.cheap_costs is None:
            return learnt
        table = np.empty((len(points), len(self.learnt) + len(self.cheap)))
        table[:, self.learnt] = learnt
        table[:, self.cheap] = self.cheap_costs(points)
        return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A batch."""

    search_points: Array
    """In the search cube, shape (batch, dimensions)."""
    candidates: int
    """Points that it was chosen from."""
    repeats: bool
    """Whether the space had too few generators that were not proposed before."""
    reference_moved: bool = False
    """Whether the given reference was too good for every evaluation, so that a worse one had to do."""
