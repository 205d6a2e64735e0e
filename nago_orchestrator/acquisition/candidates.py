"""Points to choose a batch from: new ones, each generator once; and what is left when a space has no new ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from nago_orchestrator.acquisition.landscape import Cube, Key, keys
from nago_orchestrator.surrogate.port import Array

SEARCHED_FOR_NEW = 1024
"""Random points that are looked through before a space counts as exhausted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    places: Array
    """In the search cube, shape (candidates, dimensions)."""
    points: Array
    """The same in the model cube."""

    def __len__(self) -> int:
        return len(self.places)

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Candidates:
        """By index or mask."""
        return Candidates(places=self.places[which], points=self.points[which])


def sobol(dimensions: int, count: int, seed: int) -> Array:
    """Scrambled Sobol points (Owen, 1998), shape (count, dimensions), count at least 1: the first of a power of two."""
    engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    return np.asarray(engine.random_base2(max(count - 1, 0).bit_length())[:count], dtype=np.float64)


def new_candidates(places: Array, cube: Cube, blocked: set[Key]) -> Candidates:
    """Those of the places whose generators are not in `blocked`, each generator once, in the order given."""
    rounded = cube.round(places)
    points = cube.to_model(rounded)
    first: dict[Key, int] = {}
    for index, key in enumerate(keys(points)):
        if key not in blocked:
            first.setdefault(key, index)
    chosen = np.array(list(first.values()), dtype=np.intp)
    return Candidates(places=rounded[chosen], points=points[chosen])


def fill(found: Candidates, cube: Cube, blocked: set[Key], count: int, seed: int) -> tuple[Candidates, bool]:
    """At least `count` candidates: those given, then new random ones. Tells whether generators had to be repeated.

    They are where among SEARCHED_FOR_NEW random points too few are new: then proposed ones are candidates again, and
    if the whole space has fewer than `count`, some stand there twice.
    """
    if len(found) >= count:
        return found, False
    random = sobol(cube.dimensions, SEARCHED_FOR_NEW, seed)
    fresh = new_candidates(np.vstack([found.places, random]), cube, blocked)
    if len(fresh) >= count:
        return fresh, False
    every = new_candidates(np.vstack([fresh.places, random]), cube, set())
    wanted = np.resize(np.arange(len(every)), max(count, len(every)))
    return every.take(wanted), True
