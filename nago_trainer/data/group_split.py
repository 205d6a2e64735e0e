"""A share of every class by whole groups, such as the images of one patient: none has images on both sides.

Called by `split`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def split_groups(
    labels: Indices, groups: Indices, wanted: Indices, left: int, generator: np.random.Generator
) -> tuple[Indices, tuple[int, ...]]:
    """Indices of the images that are taken, ascending; and the classes of which none could be.

    `wanted`: images of each class. Every class keeps `left` of its groups or more. The classes with the fewest groups
    choose first, since they have the least choice; of a class, groups are drawn at random as long as they bring their
    classes nearer to what is wanted.
    """
    pairs, images = np.unique(np.stack([groups, labels]), axis=1, return_counts=True)
    of_group: dict[int, list[tuple[int, int]]] = {}
    for (group, label), count in zip(pairs.T.tolist(), images.tolist(), strict=True):
        of_group.setdefault(group, []).append((label, count))
    remaining = np.bincount(pairs[1], minlength=len(wanted))
    have, taken = np.zeros(len(wanted), dtype=np.int64), set[int]()
    for label in np.argsort(remaining, kind="stable").tolist():
        for group in generator.permutation(pairs[0][pairs[1] == label]).tolist():
            members = of_group[group]
            if group in taken or any(remaining[each] <= left for each, _ in members):
                continue
            if have[label] and _distance(members, wanted, have, 1) >= _distance(members, wanted, have, 0):
                continue
            taken.add(group)
            for each, count in members:
                remaining[each] -= 1
                have[each] += count
    lacking = tuple(label for label in np.unique(labels).tolist() if have[label] == 0)
    return np.flatnonzero(np.isin(groups, list(taken))), lacking


def _distance(members: Sequence[tuple[int, int]], wanted: Indices, have: Indices, times: int) -> int:
    """From what is wanted of the classes of a group, if it were taken so many times."""
    return sum(abs(int(wanted[label] - have[label]) - times * count) for label, count in members)
