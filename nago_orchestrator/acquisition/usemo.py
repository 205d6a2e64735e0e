"""USeMO (Belakaria et al., 2020) with the paper's batch: cheap front, largest uncertainty, hard local penalisation.

1. NSGA-II minimises the objectives' gains. A known objective has no uncertainty to trade for: its gain is its cost.
   The probability of feasibility p joins every objective as −ln p, which is its product with expected improvement.
2. Of the resulting front the point with the largest uncertainty hyper-rectangle is chosen: the product of the learnt
   objectives' deviations, times p. A known objective has no side in it.
3. The rest of the batch comes from the same front, that volume times the penalties of all chosen and pending points.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nago_orchestrator.acquisition.candidates import Candidates, fill, new_candidates, sobol
from nago_orchestrator.acquisition.evolution import EvolutionOptions, evolve
from nago_orchestrator.acquisition.gain import GainOptions, deviation, gains
from nago_orchestrator.acquisition.landscape import Choice, Cube, Evidence, Landscape
from nago_orchestrator.acquisition.penalisation import ball_radii, lipschitz_constants, penalty, values_to_beat
from nago_orchestrator.pareto import non_dominated
from nago_orchestrator.surrogate.port import Array

_SLOPE_POINTS = 256
"""Random points among which the steepest slope is looked for, beside the evaluated ones."""


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
        self._seed = seed
        # The model's own opinion of what was evaluated: the smallest of noisy costs is mostly luck.
        self._believed = landscape.surrogate.predict(evidence.points).mean

    def choose(self, count: int) -> Choice:
        front, repeats = self._front(count)
        log_volume = self._log_volume(front)
        slopes = self._slopes()
        chosen = list[int]()
        while len(chosen) < count:
            busy = np.vstack([self._evidence.pending, front.points[chosen]])
            with np.errstate(divide="ignore"):
                score = log_volume + np.log(penalty(front.points, busy, self._radii(busy, slopes)))
            score[chosen] = -np.inf
            left = np.setdiff1d(np.arange(len(front)), chosen)
            # Every candidate inside a ball of its own twin has the score -inf: then simply the next one.
            chosen.append(int(left[np.argmax(score[left])]))
        return Choice(places=front.places[chosen], candidates=len(front), repeats=repeats)

    def _front(self, count: int) -> tuple[Candidates, bool]:
        """The cheap problem's front without what was proposed; more of the population where that is too little."""
        start = np.vstack([self._evidence.front(), sobol(self._cube.dimensions, 100, self._seed)])
        population = evolve(self._cheap, self._cube.round, start, self._options.evolution, self._seed)
        blocked = self._evidence.keys()
        found = new_candidates(population, self._cube, blocked)
        if len(found) > count:
            first = non_dominated(self._gains(found.points))
            found = found.take(first) if first.sum() >= count else found
        return fill(found, self._cube, blocked, count, self._seed)

    def _cheap(self, places: Array) -> Array:
        return self._gains(self._cube.to_model(places))

    def _gains(self, points: Array) -> Array:
        best = self._believed.min(axis=0)
        learnt = gains(self._landscape.surrogate, points, best, self._options.gains, self._seed)
        return self._landscape.join(learnt, points) - self._evidence.log_feasible(points)[:, None]

    def _log_volume(self, front: Candidates) -> Array:
        prediction = self._landscape.surrogate.predict(front.points)
        sides = np.log(deviation(prediction, self._options.gains.uncertainty))
        volume: Array = sides.sum(axis=1) + self._evidence.log_feasible(front.points)
        return volume

    def _slopes(self) -> Array:
        random = self._cube.to_model(sobol(self._cube.dimensions, _SLOPE_POINTS, self._seed))
        return lipschitz_constants(self._landscape.surrogate, np.vstack([random, self._evidence.points]))

    def _radii(self, busy: Array, slopes: Array) -> Array:
        if not len(busy):
            return np.empty(0)
        landscape, evidence = self._landscape, self._evidence
        means = landscape.join(landscape.surrogate.predict(busy).mean, busy)
        evaluated = landscape.join(self._believed, evidence.points)
        gaps = np.abs(means - values_to_beat(means, evaluated))[:, landscape.learnt]
        return ball_radii(landscape.surrogate, busy, gaps, slopes, self._options.gains.uncertainty)
