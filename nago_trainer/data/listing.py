"""The image files of a dataset: the class of each, and its part. No image is opened.

Every dataset of files becomes a listing first, whatever its layout; `folder` reads one, `survey` reports on one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nago_trainer.contract.data_report import LeftOut
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.error_text import error_text
from nago_trainer.data.split import Indices, members_for_testing, stratified_split
from nago_trainer.errors import DataError

TRAINING, VALIDATION, TEST = range(3)
PART_NAMES = ("training", "validation", "test")
ADD_IMAGES = "add images, or remove the class"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    root: Path
    class_names: tuple[str, ...]
    files: tuple[Path, ...]
    """[N], below the root."""
    labels: Indices
    """[N], index into `class_names`"""
    parts: NDArray[np.int8]
    """[N]. Without VALIDATION, a part of TRAINING is taken for it."""
    groups: Indices | None = None
    """[N]: images of one number, such as those of one patient, stay on one side of every split."""
    lists: tuple[Path, ...] = ()
    """Files that say which images belong where: they are part of the fingerprint."""
    left_out: tuple[LeftOut, ...] = ()
    problems: tuple[str, ...] = ()
    """Why it cannot be trained on, one sentence each."""
    hints: tuple[str, ...] = ()

    def has(self, part: int) -> bool:
        """Whether the dataset has such images of its own."""
        return bool((self.parts == part).any())


def with_test_part(listing: Listing, fraction: float) -> Listing:
    """With a share of the training images for testing, unless it has test images of its own. Raises DataError."""
    if fraction == 0 or listing.has(TEST):
        return listing
    left = 1 if listing.has(VALIDATION) else 2
    training, labels, groups = _training(listing)
    chosen = members_for_testing(labels, fraction, groups=groups, left=left, names=listing.class_names)
    return _with_part(listing, training[chosen], TEST)


def divided(listing: Listing, source: DataSource) -> Listing:
    """As a search divides it. Raises DataError for a class that leaves a part without images."""
    whole = with_test_part(listing, source.test_fraction)
    if whole.has(VALIDATION):
        return whole
    training, labels, groups = _training(whole)
    _, chosen = stratified_split(
        labels, source.validation_fraction, source.split_seed, groups=groups, names=listing.class_names
    )
    return _with_part(whole, training[chosen], VALIDATION)


def _training(listing: Listing) -> tuple[Indices, Indices, Indices | None]:
    """Indices, labels and groups."""
    members = np.flatnonzero(listing.parts == TRAINING)
    return members, listing.labels[members], None if listing.groups is None else listing.groups[members]


def _with_part(listing: Listing, members: Indices, part: int) -> Listing:
    parts = listing.parts.copy()
    parts[members] = part
    return replace(listing, parts=parts)


def listing_problems(listing: Listing, source: DataSource) -> tuple[str, ...]:
    """All of them: those of its layout, or the classes that leave a part without images."""
    problems = listing.problems or tuple(_of_classes(listing, source))
    if problems:
        return problems
    try:
        divided(listing, source)
    except DataError as error:
        return (str(error),)
    return ()


def _of_classes(listing: Listing, source: DataSource) -> Iterator[str]:
    taken = {TRAINING: True, VALIDATION: not listing.has(VALIDATION)}
    taken[TEST] = source.test_fraction > 0 and not listing.has(TEST)
    needed = tuple(name for part, name in enumerate(PART_NAMES) if taken[part])
    counts = class_counts(listing)
    for label, name in enumerate(listing.class_names):
        training = int(counts[TRAINING, label])
        if training < len(needed):
            yield error_text(_too_few(name, training, needed), where=listing.root, do=_remedy(needed))
        for part in (VALIDATION, TEST):
            if listing.has(part) and counts[part, label] == 0:
                what = f"the class {name!r} has no {PART_NAMES[part]} images"
                yield error_text(what, where=listing.root, do=ADD_IMAGES)


def _remedy(needed: Sequence[str]) -> str:
    return f"{ADD_IMAGES}, or set trainer.dataset.test_fraction: 0" if PART_NAMES[TEST] in needed else ADD_IMAGES


def _too_few(name: str, images: int, needed: Sequence[str]) -> str:
    if len(needed) == 1:
        return f"the class {name!r} has no training images"
    found = ("no images", "a single image", "two images")[images]
    parts = f"{', '.join(needed[:-1])} and {needed[-1]}"
    return f"the class {name!r} has {found}, and {parts} need one each"


def class_counts(listing: Listing) -> NDArray[np.int64]:
    """[parts, classes]"""
    counts = np.zeros((len(PART_NAMES), len(listing.class_names)), dtype=np.int64)
    np.add.at(counts, (listing.parts, listing.labels), 1)
    return counts
