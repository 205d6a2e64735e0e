"""USeMO (Belakaria et al., 2020) with the paper's batch: cheap front, largest uncertainty, hard local penalisation.

1. NSGA-II minimises the objectives' gains. A known objective has no uncertainty to trade for: its gain is its cost.
   The probability of feasibility p joins every objective as −ln p, which is its product with expected improvement.
2. On the front of its last population the point with the largest uncertainty hyper-rectangle is chosen: the product of
   the learnt objectives' deviations, times p. A known objective has no side in it.
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
from nago_orchestrator.search.acquisition.functions import GainOptions, deviation, gains
from nago_orchestrator.search.acquisition.landscape import Choice, Cube, Evidence, Landscape
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
    gains: GainOptions = field(default_factory=GainOptions)
    evolution: EvolutionOptions = field(default_factory=EvolutionOptions)


class Usemo:
    """For one batch: all that stays the same while its points are chosen."""

    def __init__(self, landscape: Landscape, evidence: Evidence, cube: Cube, options: UsemoOptions, seed: int) -> None:
        self._landscape = landscape
        self._evidence = evidence
        self._cube = cube
        self._options = options
        self._start_seed, self._evolution_seed, self._slope_seed, self._gain_seed, self._fill_seed = streams(seed, 5)
        # The model's own opinion of what was evaluated: the smallest of noisy costs is mostly luck.
        self._believed = landscape.surrogate.predict(evidence.points).mean

    def choose(self, count: int) -> Choice:
        kept, pool = self._pool(count)
        slopes = self._slopes()
        new = self._pick(pool.new, kept, min(count, len(pool.new)), self._evidence.pending, slopes)
        busy = np.vstack([self._evidence.pending, new.points])
        again = self._pick(pool.again, len(pool.again), count - len(new), busy, slopes)
        return Choice(places=np.vstack([new.places, again.places]), candidates=len(pool), repeats=bool(len(again)))

    def _pool(self, count: int) -> tuple[int, Pool]:
        """All that NSGA-II looked at, without what was proposed: first its last population, of which this many are."""
        start = np.vstack([self._evidence.front(), sobol(self._cube.dimensions, _RANDOM, self._start_seed)])
        evolved = evolve(self._cheap, self._cube.round, start, self._options.evolution, self._evolution_seed)
        blocked = self._evidence.keys()
        kept = len(new_candidates(evolved.population, self._cube, blocked))
        found = new_candidates(np.vstack([evolved.population, evolved.looked_at]), self._cube, blocked)
        return kept, fill(found, self._cube, blocked, count, self._fill_seed)

    def _pick(self, candidates: Candidates, kept: int, count: int, busy: Array, slopes: Array) -> Candidates:
        """`count` of the candidates, one after the other, away from each other and from the `busy` points.

        The front is that of the first `kept` ones. Of all that NSGA-II ever looked at it would have more points, and
        the most uncertain of more points are farther from where the objectives gain.
        """
        chosen = list[int]()
        if not count:
            return candidates.take(np.array(chosen, dtype=np.intp))
        costs, log_volume = self._gains(candidates.points), self._log_volume(candidates)
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

    def _cheap(self, places: Array) -> Array:
        return self._gains(self._cube.to_model(places))

    def _gains(self, points: Array) -> Array:
        best = self._believed.min(axis=0)
        learnt = gains(self._landscape.surrogate, points, best, self._options.gains, self._gain_seed)
        return self._landscape.join(learnt, points) - self._evidence.log_feasible(points)[:, None]

    def _log_volume(self, candidates: Candidates) -> Array:
        prediction = self._landscape.surrogate.predict(candidates.points)
        sides = np.log(deviation(prediction, self._options.gains.uncertainty))
        volume: Array = sides.sum(axis=1) + self._evidence.log_feasible(candidates.points)
        return volume

    def _log_penalty(self, points: Array, busy: Array, slopes: Array) -> Array:
        return np.log(np.maximum(penalty(points, busy, self._radii(busy, slopes)), _LEAST_PENALTY))

    def _slopes(self) -> Array:
        random = self._cube.to_model(sobol(self._cube.dimensions, _SLOPE_POINTS, self._slope_seed))
        return lipschitz_constants(self._landscape.surrogate, np.vstack([random, self._evidence.points]))

    def _radii(self, busy: Array, slopes: Array) -> Array:
        if not len(busy):
            return np.empty(0)
        landscape, evidence = self._landscape, self._evidence
        means = landscape.join(landscape.surrogate.predict(busy).mean, busy)
        evaluated = landscape.join(self._believed, evidence.points)
        gaps = np.abs(means - values_to_beat(means, evaluated))[:, landscape.learnt]
        return ball_radii(landscape.surrogate, busy, gaps, slopes, self._options.gains.uncertainty)
