"""A share of every class by whole groups, such as the images of one patient: none has images on both sides.

Called by `split`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def split_groups(
    labels: Indices, groups: Indices, wanted: Indices, left: int, generator: np.random.Generator
) -> tuple[Indices, tuple[int, ...]]:
    """Indices of the images that are taken, ascending; and the classes of which none could be.

    `wanted`: images of each class. Every class keeps `left` of its groups or more. The classes with the fewest groups
    choose first, since they have the least choice; of a class, groups are drawn at random as long as they bring their
    classes nearer to what is wanted. What later classes made superfluous is given back.
    """
    pairs, images = np.unique(np.stack([groups, labels]), axis=1, return_counts=True)
    division = _Division(wanted=wanted, remaining=np.bincount(pairs[1], minlength=len(wanted)))
    for (group, label), count in zip(pairs.T.tolist(), images.tolist(), strict=True):
        division.members.setdefault(group, []).append((label, count))
    for label in np.argsort(division.remaining, kind="stable").tolist():
        for group in generator.permutation(pairs[0][pairs[1] == label]).tolist():
            needed = division.have[label] == 0 or division.gain(group, 1) > 0
            if needed and division.can_take(group, left):
                division.move(group, 1)
    for group in generator.permutation(sorted(division.taken)).tolist():
        if division.gain(group, -1) > 0 and division.can_give_back(group):
            division.move(group, -1)
    lacking = tuple(label for label in np.unique(labels).tolist() if division.have[label] == 0)
    return np.flatnonzero(np.isin(groups, list(division.taken))), lacking


@dataclass(slots=True, kw_only=True)
class _Division:
    wanted: Indices
    remaining: Indices
    """Groups of each class that are not taken."""
    members: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Of each group: its classes, and the images of each."""
    taken: set[int] = field(default_factory=set)
    have: Indices = field(init=False)
    """Images of each class that are taken."""

    def __post_init__(self) -> None:
        self.have = np.zeros(len(self.wanted), dtype=np.int64)

    def gain(self, group: int, sign: int) -> int:
        """By how much its classes come nearer to what is wanted, in squares, if it is taken (1) or given back (-1)."""
        missing = [(int(self.wanted[label] - self.have[label]), sign * count) for label, count in self.members[group]]
        return sum(before**2 - (before - change) ** 2 for before, change in missing)

    def can_take(self, group: int, left: int) -> bool:
        return group not in self.taken and all(self.remaining[label] > left for label, _ in self.members[group])

    def can_give_back(self, group: int) -> bool:
        return all(self.have[label] > count for label, count in self.members[group])

    def move(self, group: int, sign: int) -> None:
        """Take it (1), or give it back (-1)."""
        self.taken ^= {group}
        for label, count in self.members[group]:
            self.remaining[label] -= sign
            self.have[label] += sign * count
