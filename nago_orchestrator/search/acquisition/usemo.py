"""USeMO (Belakaria et al., 2020) with the paper's batch: cheap front, largest uncertainty, hard local penalisation.

1. NSGA-II minimises the objectives' acquisitions. A cheap objective has no uncertainty to trade for: its cost counts.
   The probability of feasibility p joins every objective as −ln p, which is its product with expected improvement.
2. On the front of its last population the point with the largest uncertainty hyper-rectangle is chosen: the product of
   the learnt objectives' standard deviations, times p. A cheap objective has no side in it.
3. The rest of the batch comes from the same front, that volume times the penalties φ of all chosen and pending points.

Where the front is one spot (one objective, or two that agree), all of it soon lies within the chosen points' balls, and
a whole batch would lie in that spot. There every objective gets −ln φ, as it has −ln p, and the front is taken anew,
among all points that NSGA-II looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nago_orchestrator.evaluation.pareto import non_dominated
from nago_orchestrator.search.acquisition.candidates import Candidates, Pool, fill, new_candidates, sobol
from nago_orchestrator.search.acquisition.evolution import EvolutionOptions, evolve
from nago_orchestrator.search.acquisition.functions import FunctionOptions, acquisition_values, deviation
from nago_orchestrator.search.acquisition.inputs import Choice, CostModel, Cube, Observations
from nago_orchestrator.search.acquisition.penalisation import ball_radii, lipschitz_constants, penalty, values_to_beat
from nago_orchestrator.search.acquisition.streams import streams
from nago_orchestrator.search.surrogate.port import Array

_RANDOM = 100
"""Random points in the first population, beside the front."""
_SLOPE_POINTS = 256
"""Random points among which the steepest slope is looked for, beside the evaluated ones."""
_LEAST_PENALTY = 1e-30
"""Of a point that is its neighbour's twin: far behind all others, and still a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsemoOptions:
    function: FunctionOptions = field(default_factory=FunctionOptions)
    evolution: EvolutionOptions = field(default_factory=EvolutionOptions)


class Usemo:
    """For one batch: all that stays the same while its points are chosen."""

    def __init__(
        self, cost_model: CostModel, observations: Observations, cube: Cube, options: UsemoOptions, seed: int
    ) -> None:
        self._cost_model = cost_model
        self._observations = observations
        self._cube = cube
        self._options = options
        self._start_seed, self._evolution_seed, self._slope_seed, self._function_seed, self._fill_seed = streams(
            seed, 5
        )
        # The posterior mean and not the observed costs, of which the smallest is mostly luck.
        self._evaluated_means = cost_model.surrogate.predict(observations.points).mean

    def choose(self, count: int) -> Choice:
        kept, pool = self._pool(count)
        slopes = self._slopes()
        new = self._pick(pool.new, kept, min(count, len(pool.new)), self._observations.pending, slopes)
        busy = np.vstack([self._observations.pending, new.points])
        again = self._pick(pool.again, len(pool.again), count - len(new), busy, slopes)
        return Choice(
            search_points=np.vstack([new.search_points, again.search_points]),
            candidates=len(pool),
            repeats=bool(len(again)),
        )

    def _pool(self, count: int) -> tuple[int, Pool]:
        """All that NSGA-II looked at, without what was proposed: first its last population, of which this many are."""
        start = np.vstack([self._observations.front(), sobol(self._cube.dimensions, _RANDOM, self._start_seed)])
        evolved = evolve(self._cheap, self._cube.round, start, self._options.evolution, self._evolution_seed)
        blocked = self._observations.keys()
        kept = len(new_candidates(evolved.population, self._cube, blocked))
        found = new_candidates(np.vstack([evolved.population, evolved.looked_at]), self._cube, blocked)
        return kept, fill(found, self._cube, blocked, count, self._fill_seed)

    def _pick(self, candidates: Candidates, kept: int, count: int, busy: Array, slopes: Array) -> Candidates:
        """`count` of the candidates, one after the other, away from each other and from the `busy` points.

        The front is that of the first `kept` ones. Of all that NSGA-II ever looked at it would have more points, and
        the most uncertain of more points are farther from where the objectives improve.
        """
        chosen = list[int]()
        if not count:
            return candidates.take(np.array(chosen, dtype=np.intp))
        costs, log_volume = self._acquisitions(candidates.points), self._log_volume(candidates)
        log_penalty = self._log_penalty(candidates.points, busy, slopes)
        front, left = np.flatnonzero(non_dominated(costs[:kept])), np.arange(len(candidates))
        while len(chosen) < count:
            free = np.setdiff1d(front, chosen)
            if (log_penalty[free] < 0).all():
                free = left[non_dominated(costs[left] - log_penalty[left, None])]
            best = int(free[np.argmax(log_volume[free] + log_penalty[free])])
            chosen.append(best)
            left = left[left != best]
            log_penalty += self._log_penalty(candidates.points, candidates.points[[best]], slopes)
        return candidates.take(np.array(chosen, dtype=np.intp))

    def _cheap(self, search_points: Array) -> Array:
        return self._acquisitions(self._cube.to_model(search_points))

    def _acquisitions(self, points: Array) -> Array:
        best = self._evaluated_means.min(axis=0)
        learnt = acquisition_values(
            self._cost_model.surrogate, points, best, self._options.function, self._function_seed
        )
        return self._cost_model.join(learnt, points) - self._observations.log_feasible(points)[:, None]

    def _log_volume(self, candidates: Candidates) -> Array:
        prediction = self._cost_model.surrogate.predict(candidates.points)
        sides = np.log(deviation(prediction, self._options.function.uncertainty))
        volume: Array = sides.sum(axis=1) + self._observations.log_feasible(candidates.points)
        return volume

    def _log_penalty(self, points: Array, busy: Array, slopes: Array) -> Array:
        return np.log(np.maximum(penalty(points, busy, self._radii(busy, slopes)), _LEAST_PENALTY))

    def _slopes(self) -> Array:
        random = self._cube.to_model(sobol(self._cube.dimensions, _SLOPE_POINTS, self._slope_seed))
        return lipschitz_constants(self._cost_model.surrogate, np.vstack([random, self._observations.points]))

    def _radii(self, busy: Array, slopes: Array) -> Array:
        if not len(busy):
            return np.empty(0)
        cost_model, observations = self._cost_model, self._observations
        means = cost_model.join(cost_model.surrogate.predict(busy).mean, busy)
        evaluated = cost_model.join(self._evaluated_means, observations.points)
        gaps = np.abs(means - values_to_beat(means, evaluated))[:, cost_model.learnt]
        return ball_radii(cost_model.surrogate, busy, gaps, slopes, self._options.function.uncertainty)
