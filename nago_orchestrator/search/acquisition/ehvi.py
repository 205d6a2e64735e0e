"""Noisy expected hypervolume improvement (Daulton, Balandat and Bakshy, 2021) by Monte Carlo.

The acquisition of a point x is the mean, over N functions f drawn from the posterior, of the hypervolume that f(x) adds
to the front of the same function at all evaluated, pending and already chosen points P,

    α(x) = p(x) / N · Σᵢ [ HV(fᵢ(P) ∪ {fᵢ(x)}) - HV(fᵢ(P)) ],

with p the probability of feasibility. So noise in the observations is averaged out, whatever it depends on, and the
points of a batch keep apart because each function counts a piece of hypervolume once. A batch is chosen one point after
the other, each adding itself to P (their sequential greedy optimisation).

Candidates come from NSGA-II on optimistic costs, from around the front and from the whole cube; each choice is then
refined by random steps of shrinking size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nago_orchestrator.domain.generator_key import GeneratorKey
from nago_orchestrator.evaluation.pareto import default_reference
from nago_orchestrator.search.acquisition.boxes import free_boxes, improvements
from nago_orchestrator.search.acquisition.candidates import Candidates, Pool, fill, new_candidates, sobol
from nago_orchestrator.search.acquisition.evolution import EvolutionOptions, evolve
from nago_orchestrator.search.acquisition.functions import (
    AcquisitionFunction,
    FunctionOptions,
    Uncertainty,
    acquisition_values,
    deviation,
)
from nago_orchestrator.search.acquisition.inputs import Choice, CostModel, Cube, Observations, keys
from nago_orchestrator.search.acquisition.streams import streams
from nago_orchestrator.search.surrogate.port import Array, Surrogate

Boxes = list[tuple[Array, Array]]
"""What each function leaves free."""

_LOOKED_AT_TOGETHER = 64
_NOT_LOOKED_AT, _TAKEN = np.inf, -1.0
"""As bounds of a candidate's acquisition: it may be anything; it is none any more."""


@runtime_checkable
class DrawsMany(Protocol):
    """A surrogate that draws several functions at once faster than one after the other."""

    def draws(self, points: Array, seeds: Sequence[int]) -> Array:
        """Shape (functions, points, objectives); each as `Surrogate.draw` gives it for its seed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EhviOptions:
    functions: int = 32
    evolution: EvolutionOptions = field(default_factory=EvolutionOptions)
    random: int = 256
    """Candidates from the whole cube; as many again from around the front."""
    steps: tuple[float, ...] = (0.1, 0.03, 0.01)
    """Standard deviations of the refinement's rounds, in sides of the cube."""
    tries: int = 48
    """Random steps of each round."""


class Ehvi:
    """For one batch: the functions, and the hypervolume that each of them leaves free."""

    def __init__(
        self, cost_model: CostModel, observations: Observations, cube: Cube, options: EhviOptions, seed: int
    ) -> None:
        self._cost_model = cost_model
        self._observations = observations
        self._cube = cube
        self._options = options
        self._random_seed, self._evolution_seed, self._fill_seed, own_seed = streams(seed, 4)
        self._rng = np.random.default_rng(own_seed)
        self._functions = [int(number) for number in self._rng.integers(2**31, size=options.functions)]
        self._blocked = observations.keys()
        self._reference, self._reference_moved = _reference(observations)
        drawn = self._drawn(np.vstack([observations.points, observations.pending]))
        self._fronts = list(drawn)

    def choose(self, count: int) -> Choice:
        pool = self._pool(count)
        new = self._pick(pool.new, min(count, len(pool.new)), refine=True)
        again = self._pick(pool.again, count - len(new), refine=False)
        return Choice(
            search_points=np.array(new + again),
            candidates=len(pool),
            repeats=bool(again),
            reference_moved=self._reference_moved,
        )

    def _pool(self, count: int) -> Pool:
        options, front = self._options, self._observations.front()
        random = sobol(self._cube.dimensions, options.random, self._random_seed)
        start = np.vstack([front, random[: options.evolution.population]])
        evolved = evolve(self._optimistic, self._cube.round, start, options.evolution, self._evolution_seed)
        near = front[self._rng.integers(len(front), size=options.random)]
        near = np.clip(near + self._rng.normal(0, 0.1, near.shape) * (self._rng.random(near.shape) < 0.5), 0, 1)
        found = new_candidates(np.vstack([evolved.population, near, random]), self._cube, self._blocked)
        return fill(found, self._cube, self._blocked, count, self._fill_seed)

    def _pick(self, candidates: Candidates, count: int, *, refine: bool) -> list[Array]:
        """`count` of the candidates, or of what they are refined to, one after the other, in the search cube."""
        if not count:
            return []
        chosen = list[Array]()
        drawn, likely = self._drawn(candidates.points), self._observations.log_feasible(candidates.points)
        own_keys = keys(candidates.points)
        bounds = np.full(len(candidates), _NOT_LOOKED_AT)
        for _ in range(count):
            boxes = [free_boxes(front, self._reference) for front in self._fronts]
            best = _best_now(bounds, partial(_acquisition, drawn, likely, boxes))
            if bounds[best] <= 0:
                best = int(np.argmax(np.where(bounds == _TAKEN, -1.0, self._uncertainty_volume(candidates))))
            search_point = candidates.search_points[best]
            if refine:
                search_point = self._refine(search_point, float(bounds[best]), boxes)
            chosen.append(search_point)
            taken = self._add(search_point)
            # What it was refined from stays a candidate; repeated generators are as many as they stand there.
            bounds[[key == taken for key in own_keys] if refine else best] = _TAKEN
        return chosen

    def _optimistic(self, search_points: Array) -> Array:
        points = self._cube.to_model(search_points)
        bound = FunctionOptions(function=AcquisitionFunction.CONFIDENCE_BOUND, exploration=1.0)
        learnt = acquisition_values(self._cost_model.surrogate, points, np.zeros(0), bound, seed=0)
        return self._cost_model.join(learnt, points) - self._observations.log_feasible(points)[:, None]

    def _refine(self, search_point: Array, score: float, boxes: Boxes) -> Array:
        for step in self._options.steps:
            moved = search_point + self._rng.normal(0, step, (self._options.tries, len(search_point)))
            moved = np.where(self._rng.random(moved.shape) < max(0.5, 1.5 / len(search_point)), moved, search_point)
            near = new_candidates(np.clip(moved, 0, 1), self._cube, self._blocked)
            if not len(near):
                continue
            found = _mean_improvement(self._drawn(near.points), boxes)
            found = found * np.exp(self._observations.log_feasible(near.points))
            if found.max() > score:
                search_point, score = near.search_points[np.argmax(found)], float(found.max())
        return search_point

    def _add(self, search_point: Array) -> GeneratorKey:
        """The chosen point counts as evaluated, in every function with its own value."""
        point = self._cube.to_model(search_point[None, :])
        (key,) = keys(point)
        self._blocked.add(key)
        self._fronts = [np.vstack([front, own]) for front, own in zip(self._fronts, self._drawn(point), strict=True)]
        return key

    def _drawn(self, points: Array) -> Array:
        """Shape (functions, points, objectives)."""
        learnt = draw_functions(self._cost_model.surrogate, points, self._functions)
        return np.array([self._cost_model.join(table, points) for table in learnt])

    def _uncertainty_volume(self, pool: Candidates) -> Array:
        """Of the box that the standard deviations span: where nothing promises an improvement, the least known is
        chosen."""
        sides = deviation(self._cost_model.surrogate.predict(pool.points), Uncertainty.EPISTEMIC)
        volume: Array = sides.prod(axis=1) * np.exp(self._observations.log_feasible(pool.points))
        return volume


def _acquisition(drawn: Array, likely: Array, boxes: Boxes, some: NDArray[np.intp]) -> Array:
    found: Array = _mean_improvement(drawn[:, some], boxes) * np.exp(likely[some])
    return found


def _mean_improvement(drawn: Array, boxes: Boxes) -> Array:
    """Over the functions: shape (points,)."""
    found: Array = np.mean([improvements(costs, *free) for costs, free in zip(drawn, boxes, strict=True)], axis=0)
    return found


def _best_now(bounds: Array, acquisition: Callable[[NDArray[np.intp]], Array]) -> int:
    """The point of the largest acquisition, given upper bounds, which are lowered to the values computed on the way.

    What a batch adds only takes hypervolume away from a point, so its earlier value bounds its present one, and few
    points need be looked at again.
    """
    order = np.argsort(-bounds, kind="stable")
    best = int(order[0])
    for start in range(0, len(order), _LOOKED_AT_TOGETHER):
        some = order[start : start + _LOOKED_AT_TOGETHER]
        if start and bounds[some[0]] <= bounds[best]:
            break
        some = some[bounds[some] >= 0]
        if len(some):
            bounds[some] = acquisition(some)
            best = int(order[np.argmax(bounds[order[: start + _LOOKED_AT_TOGETHER]])])
    return best


def _reference(observations: Observations) -> tuple[Array, bool]:
    """The one given, unless no evaluated point is below it yet: then far enough to have one. Tells which it is."""
    default, given = default_reference(observations.costs), observations.reference
    if given is None:
        return default, False
    if (observations.costs < given).all(axis=1).any():
        return given, False
    return np.maximum(given, default), True


def draw_functions(surrogate: Surrogate, points: Array, seeds: Sequence[int]) -> Array:
    """Shape (functions, points, objectives)."""
    if isinstance(surrogate, DrawsMany):
        return surrogate.draws(points, seeds)
    return np.array([surrogate.draw(points, seed) for seed in seeds])
