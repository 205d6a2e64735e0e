"""The brackets of Hyperband over a study's fidelities: arithmetic alone, without HpBandSter.

The `brackets.py` of `bohb` and of `mobohb` build theirs from it.
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


def bracket_shape(fidelities: tuple[int, ...], bracket: int) -> Shape:
    """Of S fidelities, each η times the one before, bracket b has the rungs 0 to s = S - 1 - (b mod S), of sizes

        n_i = max(⌊n_0 η^(-i)⌋, 1),     n_0 = ⌊S / (s + 1)⌋ η^s,

    as HpBandSter's `BOHB.get_next_iteration`; in Hyperband (Li et al., 2018, algorithm 1) n_0 = ⌈S η^s / (s + 1)⌉.
    HpBandSter computes S from the smallest and the largest budget; rounding loses a rung there for some
    fidelities, e.g. for 1 to 243 with eta 3. Here all are kept.
    """
    rungs = len(fidelities)
    eta = fidelities[1] // fidelities[0] if rungs > 1 else 1
    last = rungs - 1 - bracket % rungs
    first_size = (rungs // (last + 1)) * eta**last
    sizes = tuple(max(int(first_size * eta ** (-rung)), 1) for rung in range(last + 1))
    return Shape(fidelities=fidelities[-last - 1 :], sizes=sizes)


def planned_runs(fidelities: tuple[int, ...], brackets: int) -> Mapping[int, int]:
    """Runs at each fidelity, in rising order, of so many brackets together. Crashed runs do not change it."""
    found: Counter[int] = Counter()
    cycles, rest = divmod(brackets, len(fidelities))
    for bracket in range(len(fidelities)):
        shape = bracket_shape(fidelities, bracket)
        times = cycles + (bracket < rest)
        for fidelity, size in zip(shape.fidelities, shape.sizes, strict=True):
            found[fidelity] += times * size
    return {fidelity: found[fidelity] for fidelity in sorted(found) if found[fidelity]}


def planned_epochs(fidelities: tuple[int, ...], brackets: int, *, continues: bool) -> int:
    """Of the same runs. If they continue, a promotion has only those by which it is longer than the rung below."""
    shapes = [bracket_shape(fidelities, bracket) for bracket in range(min(brackets, len(fidelities)))]
    cycles, rest = divmod(brackets, len(fidelities))
    return sum(
        (cycles + (number < rest)) * size * (fidelity - below * continues)
        for number, shape in enumerate(shapes)
        for size, fidelity, below in zip(shape.sizes, shape.fidelities, (0, *shape.fidelities), strict=False)
    )


def check_fidelities(fidelities: tuple[int, ...]) -> None:
    """Raises SpecError unless every fidelity is the same integer multiple, at least 2, of the one before."""
    if not fidelities or min(fidelities) < 1:
        raise SpecError(f"BOHB needs at least one fidelity, all of them positive, found {list(fidelities)}")
    if len(fidelities) > 1:
        eta = fidelities[1] // fidelities[0]
        expected = tuple(fidelities[0] * eta**rung for rung in range(len(fidelities)))
        if eta < 2 or fidelities != expected:
            raise SpecError(
                "each fidelity of BOHB must be the same integer multiple (2 or more) of the one before, such as "
                f"30, 60, 120; found {list(fidelities)}"
            )
