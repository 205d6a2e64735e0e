"""What was evaluated, and at which fidelities, by theta; divided into good and bad for the densities.

`proposer.py` adds every evaluation that says something of its theta, and those of other studies; `sampler.py`
asks for the division. The same theta may be evaluated again: its costs at one fidelity are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from nago_orchestrator.domain.generator_key import GeneratorKey, generator_key
from nago_orchestrator.domain.proposals import Theta
from nago_orchestrator.evaluation.pareto import Array
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.mobohb.promotion import best_rows
from nago_orchestrator.search.proposers.mobohb.transfer import carry_up
from nago_trainer.architecture import canonical

MOST_BAD = 1_000
"""Bad points that a density is made of, the newest: more add nothing, and cost time with the square."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Points of the search cube, each of the shape (points, dimensions)."""

    good: Array
    bad: Array


@dataclass(slots=True)
class _Observation:
    point: Array
    costs: dict[int, list[tuple[float, ...]]] = field(default_factory=dict)
    """By fidelity."""
    is_bad: bool = False
    """Infeasible, or a cost that is not finite."""


class Observations:
    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._observations: dict[GeneratorKey, _Observation] = {}

    @property
    def thetas(self) -> int:
        return len(self._observations)

    def add(self, theta: Theta, fidelity: int, costs: tuple[float, ...] | None) -> None:
        """`costs` is None for an infeasible theta: bad at any fidelity, as is one with a cost that is not finite."""
        key = generator_key(canonical(theta))
        if key not in self._observations:
            self._observations[key] = _Observation(point=self._encoding.round(self._encoding.locate([theta]))[0])
        observation = self._observations[key]
        if costs and all(map(math.isfinite, costs)):
            observation.costs.setdefault(fidelity, []).append(costs)
        else:
            observation.is_bad = True

    def points(self) -> dict[int, int]:
        """How many thetas have costs at each fidelity."""
        fidelities = sorted({fidelity for observation in self._observations.values() for fidelity in observation.costs})
        return {
            fidelity: sum(fidelity in observation.costs for observation in self._observations.values())
            for fidelity in fidelities
        }

    def divide(self, good_count: Callable[[int], int]) -> Division:
        """`good_count` says how many of so many usable thetas are good. Where none is usable, all are bad."""
        usable = [observation for observation in self._observations.values() if not observation.is_bad]
        bad = [observation.point for observation in self._observations.values() if observation.is_bad]
        if not usable:
            return Division(good=self._table([]), bad=self._table(bad))
        chosen = set(best_rows(self._estimates(usable), good_count(len(usable))))
        good = [observation.point for row, observation in enumerate(usable) if row in chosen]
        bad += [observation.point for row, observation in enumerate(usable) if row not in chosen]
        return Division(good=self._table(good), bad=self._table(bad[-MOST_BAD:]))

    def _estimates(self, observations: list[_Observation]) -> Array:
        """Costs at the highest fidelity, shape (observations, objectives)."""
        fidelities = sorted({fidelity for observation in observations for fidelity in observation.costs})
        objectives = len(next(iter(observations[0].costs.values()))[0])
        costs = np.full((len(fidelities), len(observations), objectives), math.nan)
        for row, observation in enumerate(observations):
            for fidelity, found in observation.costs.items():
                costs[fidelities.index(fidelity), row] = np.mean(found, axis=0)
        return carry_up(costs)

    def _table(self, points: list[Array]) -> Array:
        return np.array(points, dtype=np.float64).reshape(len(points), self._encoding.dimensions)
