"""Hyperband's brackets without its barrier: which rung has a free slot, by counting alone.

`proposer.py` asks it and fills the slots. Each bracket has the sizes that HpBandSter's would have (`hyperband.py`). A
slot on a higher rung is free as soon as the rung below has the results that it follows from, as in asynchronous
Successive Halving (Li et al., 2020); whoever is best on that fidelity in any bracket may take it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from nago_orchestrator.search.proposers.hyperband import bracket_shape, check_fidelities, planned_runs

_ROUNDING = 1e-9

HasCandidate = Callable[[int], bool]
"""Fidelity -> whether a configuration evaluated there could be promoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One run that a bracket has room for."""

    bracket: int
    rung: int
    """From 0 for the bracket's lowest fidelity."""
    index: int
    """On its rung, from 0."""
    fidelity: int
    promoted_from: int | None
    """The fidelity from which a configuration is promoted; None for a new one."""


@dataclass(slots=True)
class _Bracket:
    fidelities: tuple[int, ...]
    sizes: tuple[int, ...]
    taken: list[int] = field(init=False)
    done: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.taken = [0] * len(self.sizes)
        self.done = [0] * len(self.sizes)

    @property
    def is_full(self) -> bool:
        return self.taken == list(self.sizes)

    def earned(self, rung: int) -> int:
        """How many slots of a rung are open by now: with n_r slots on rung r, ⌊done(r-1) · n_r / n_(r-1)⌋."""
        if rung == 0:
            return self.sizes[0]
        return math.floor(self.done[rung - 1] * self.sizes[rung] / self.sizes[rung - 1] + _ROUNDING)

    def is_done(self, rung: int) -> bool:
        return self.done[rung] == self.sizes[rung]


class Brackets:
    """Started one after the other, whenever those in flight have no free slot."""

    def __init__(self, fidelities: tuple[int, ...], count: int) -> None:
        """Raises SpecError unless the fidelities is geometric."""
        check_fidelities(fidelities)
        self._fidelities = fidelities
        self._count = count
        self._brackets: list[_Bracket] = []

    @property
    def started(self) -> int:
        return len(self._brackets)

    @property
    def planned_runs(self) -> int:
        """In all brackets together; nothing that is told changes it."""
        return sum(planned_runs(self._fidelities, self._count).values())

    @property
    def is_full(self) -> bool:
        """Whether the last slot is taken."""
        return self.started == self._count and all(bracket.is_full for bracket in self._brackets)

    def next_slot(self, has_candidate: HasCandidate) -> Slot | None:
        """The first free slot of the first bracket that has one; None where all must wait or are full.

        New configurations come before promotions, so that with few runs in flight a promotion is chosen from many.
        A slot that nobody can be promoted to, all below having failed, goes to a new configuration.
        """
        while True:
            for number in range(self.started):
                slot = self._free_slot(number, has_candidate)
                if slot is not None:
                    return slot
            if self.started == self._count:
                return None
            shape = bracket_shape(self._fidelities, self.started)
            self._brackets.append(_Bracket(fidelities=shape.fidelities, sizes=shape.sizes))

    def take(self, slot: Slot) -> None:
        self._brackets[slot.bracket].taken[slot.rung] += 1

    def report(self, slot: Slot) -> None:
        """The run in it has ended, however."""
        self._brackets[slot.bracket].done[slot.rung] += 1

    def _free_slot(self, number: int, has_candidate: HasCandidate) -> Slot | None:
        bracket = self._brackets[number]
        for rung, fidelity in enumerate(bracket.fidelities):
            if bracket.taken[rung] >= bracket.earned(rung):
                continue
            below = bracket.fidelities[rung - 1] if rung else None
            promoted_from = below if below is not None and has_candidate(below) else None
            if rung == 0 or promoted_from is not None or bracket.is_done(rung - 1):
                index = bracket.taken[rung]
                return Slot(bracket=number, rung=rung, index=index, fidelity=fidelity, promoted_from=promoted_from)
        return None
