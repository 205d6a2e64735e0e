"""The ladder of fidelities, and how Hyperband climbs it: arithmetic alone, without HpBandSter.

`brackets.py` builds its brackets from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from nago_orchestrator.errors import SpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Fidelities of a bracket's rungs, and how many configurations run on each."""

    fidelities: tuple[int, ...]
    sizes: tuple[int, ...]


def bracket_shape(ladder: tuple[int, ...], bracket: int) -> Shape:
    """HpBandSter's `BOHB.get_next_iteration`, with the number of rungs taken from the ladder.

    HpBandSter computes that number from the smallest and the largest budget; rounding loses a rung there for some
    ladders, e.g. for 1 to 243 with eta 3. Here all are kept.
    """
    rungs = len(ladder)
    eta = ladder[1] // ladder[0] if rungs > 1 else 1
    last = rungs - 1 - bracket % rungs
    first_size = (rungs // (last + 1)) * eta**last
    sizes = tuple(max(int(first_size * eta ** (-rung)), 1) for rung in range(last + 1))
    return Shape(fidelities=ladder[-last - 1 :], sizes=sizes)


def planned_runs(ladder: tuple[int, ...], brackets: int) -> Mapping[int, int]:
    """Runs at each fidelity, in rising order, of so many brackets together. Crashed runs do not change it."""
    found: Counter[int] = Counter()
    cycles, rest = divmod(brackets, len(ladder))
    for bracket in range(len(ladder)):
        shape = bracket_shape(ladder, bracket)
        times = cycles + (bracket < rest)
        for fidelity, size in zip(shape.fidelities, shape.sizes, strict=True):
            found[fidelity] += times * size
    return {fidelity: found[fidelity] for fidelity in sorted(found) if found[fidelity]}


def check_ladder(ladder: tuple[int, ...]) -> None:
    """Raises SpecError unless every fidelity is the same whole multiple, at least 2, of the one before."""
    if not ladder or min(ladder) < 1:
        raise SpecError(f"The fidelities {list(ladder)} are wrong: BOHB needs at least one, and all positive.")
    if len(ladder) > 1:
        eta = ladder[1] // ladder[0]
        expected = tuple(ladder[0] * eta**rung for rung in range(len(ladder)))
        if eta < 2 or ladder != expected:
            raise SpecError(
                f"The fidelities {list(ladder)} are wrong: BOHB needs each to be the same whole multiple (2 or more) "
                "of the one before, e.g. 30, 60, 120."
            )
