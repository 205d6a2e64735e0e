"""New thetas: of candidates from the density l of good ones the one with the largest l(x) / g(x), g that of bad ones.

Multi-objective TPE (Ozaki et al., 2020), by the criterion of Bergstra et al. (2011, section 4.1), with kernels over all
dimensions together, as in BOHB (Falkner et al., 2018). `proposer.py` calls it for every new configuration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nago_orchestrator.domain.generator_key import GeneratorKey, generator_key
from nago_orchestrator.domain.proposals import Origin, Theta
from nago_orchestrator.domain.space import IntegerRange, SearchSpace
from nago_orchestrator.evaluation.pareto import Array
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.mobohb.density import Density
from nago_orchestrator.search.proposers.mobohb.observations import Division, Observations
from nago_orchestrator.search.proposers.mobohb.settings import DensityOptions
from nago_trainer.architecture import canonical

_TRIES = 100
"""Random draws before a theta is evaluated a second time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    theta: Theta
    origin: Origin
    notes: Mapping[str, Any]


class Sampler:
    """Of one space; holds nothing but what follows from it and the options."""

    def __init__(self, space: SearchSpace, encoding: Encoding, options: DensityOptions) -> None:
        self._space = space
        self._encoding = encoding
        self._options = options
        wholes = (item.high - item.low + 1 if isinstance(item, IntegerRange) else 0 for item in space.dimensions)
        self._parts = np.array(list(wholes), dtype=np.float64)

    @property
    def least_thetas(self) -> int:
        """Evaluated, before the densities are asked: good and bad ones each as many as the dimensions plus one."""
        return 2 * (self._encoding.dimensions + 1)

    def draw(
        self,
        rng: np.random.Generator,
        observations: Observations,
        pending: Sequence[Theta],
        proposed: set[GeneratorKey],
    ) -> Drawn:
        """`pending` are under way: bad until more is known. `proposed` are not drawn again unless nothing else is
        found."""
        if observations.thetas < self.least_thetas:
            return self._at_random(rng, proposed, f"{observations.thetas} of {self.least_thetas} evaluated thetas")
        if rng.random() < self._options.random_share:
            return self._at_random(rng, proposed, "the random share")
        division = observations.divide(self._good_count)
        if not len(division.good):
            return self._at_random(rng, proposed, "no usable evaluation")
        return self._from_densities(rng, division, pending, proposed)

    def _from_densities(
        self, rng: np.random.Generator, division: Division, pending: Sequence[Theta], proposed: set[GeneratorKey]
    ) -> Drawn:
        unfinished = self._encoding.round(self._encoding.locate(pending))
        good = Density(division.good, self._parts, self._options.smallest_width)
        bad = Density(np.vstack([division.bad, unfinished]), self._parts, self._options.smallest_width)
        candidates = self._encoding.round(good.draw(rng, self._options.candidates, self._options.widening))
        ratios: Array = good.log(candidates) - bad.log(candidates)
        for row in np.argsort(-ratios, kind="stable"):
            theta = self._encoding.decode(candidates[row])[0]
            if generator_key(canonical(theta)) not in proposed:
                notes = {"good": len(division.good), "bad": len(division.bad), "log_ratio": float(ratios[row])}
                return Drawn(theta=theta, origin=Origin.MODEL, notes=notes)
        return self._at_random(rng, proposed, "every candidate is known")

    def _at_random(self, rng: np.random.Generator, proposed: set[GeneratorKey], why: str) -> Drawn:
        for _ in range(_TRIES):
            theta = self._space.sample(rng)
            if generator_key(canonical(theta)) not in proposed:
                return Drawn(theta=theta, origin=Origin.RANDOM, notes={"random": why})
        return Drawn(theta=theta, origin=Origin.RANDOM, notes={"random": why, "repeated": True})

    def _good_count(self, usable: int) -> int:
        share = math.ceil(self._options.good_share * usable)
        return max(1, min(max(self._encoding.dimensions + 1, share), usable - 1))
