"""Points to choose a batch from: new ones, each generator once; and what is left when a space has too few new ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from nago_orchestrator.domain.generator_key import GeneratorKey
from nago_orchestrator.search.acquisition.inputs import Cube, keys
from nago_orchestrator.search.surrogate.port import Array

SEARCHED_FOR_NEW = 1024
"""Random points that are looked through for new generators, in a space of too many points to look at each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    search_points: Array
    """In the search cube, shape (candidates, dimensions)."""
    points: Array
    """The same in the model cube."""

    def __len__(self) -> int:
        return len(self.search_points)

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Candidates:
        """By index or mask."""
        return Candidates(search_points=self.search_points[which], points=self.points[which])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A batch takes all it can of `new`, and the rest of `again`."""

    new: Candidates
    """Generators that were not proposed, each once."""
    again: Candidates
    """Empty, unless there are too few new ones: then at least as many as are missing."""

    def __len__(self) -> int:
        return len(self.new) + len(self.again)


def sobol(dimensions: int, count: int, seed: int) -> Array:
    """Scrambled Sobol points (Owen, 1998), shape (count, dimensions), count at least 1: the first of a power of two."""
    engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    return np.asarray(engine.random_base2(max(count - 1, 0).bit_length())[:count], dtype=np.float64)


def new_candidates(search_points: Array, cube: Cube, blocked: set[GeneratorKey]) -> Candidates:
    """Those of the points whose generators are not in `blocked`, each generator once, in the order given."""
    rounded = cube.round(search_points)
    points = cube.to_model(rounded)
    first: dict[GeneratorKey, int] = {}
    for index, key in enumerate(keys(points)):
        if key not in blocked:
            first.setdefault(key, index)
    chosen = np.array(list(first.values()), dtype=np.intp)
    return Candidates(search_points=rounded[chosen], points=points[chosen])


def fill(found: Candidates, cube: Cube, blocked: set[GeneratorKey], count: int, seed: int) -> Pool:
    """A pool of at least `count`: those given, which are new; then others that are; then whatever the space has."""
    if len(found) >= count:
        return Pool(new=found, again=_none_of(found))
    others = cube.every if cube.every is not None else sobol(cube.dimensions, SEARCHED_FOR_NEW, seed)
    new = new_candidates(np.vstack([found.search_points, others]), cube, blocked)
    if len(new) >= count:
        return Pool(new=new, again=_none_of(new))
    known = new_candidates(others, cube, set())
    missing = count - len(new)
    return Pool(new=new, again=known.take(np.resize(np.arange(len(known)), max(missing, len(known)))))


def _none_of(candidates: Candidates) -> Candidates:
    return candidates.take(np.zeros(len(candidates), dtype=bool))
