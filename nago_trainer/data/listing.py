"""The image files of a dataset: the class of each, and its part. No image is opened.

Every dataset of files becomes a listing first, whatever its layout; `folder` reads one, `survey` reports on one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nago_trainer.contract.data_report import LeftOut
from nago_trainer.contract.error_text import error_text
from nago_trainer.data.split import Indices, share_count

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
    lists: tuple[Path, ...] = ()
    """Files that say which images belong where: they are part of the fingerprint."""
    left_out: tuple[LeftOut, ...] = ()
    problems: tuple[str, ...] = ()
    """Why it cannot be trained on, one sentence each."""
    hints: tuple[str, ...] = ()

    def has(self, part: int) -> bool:
        """Whether the dataset has such images of its own."""
        return bool((self.parts == part).any())


def listing_problems(listing: Listing) -> tuple[str, ...]:
    """All of them: those of its layout, or the classes that leave a part without images."""
    return listing.problems or tuple(_of_classes(listing))


def _of_classes(listing: Listing) -> Iterator[str]:
    needed = tuple(name for part, name in enumerate(PART_NAMES) if part == TRAINING or _is_taken(listing, part))
    counts = class_counts(listing)
    for label, name in enumerate(listing.class_names):
        training = int(counts[TRAINING, label])
        if training < len(needed):
            yield error_text(_too_few(name, training, needed), where=listing.root, do=ADD_IMAGES)
        for part in (VALIDATION, TEST):
            if listing.has(part) and counts[part, label] == 0:
                what = f"the class {name!r} has no {PART_NAMES[part]} images"
                yield error_text(what, where=listing.root, do=ADD_IMAGES)


def _is_taken(listing: Listing, part: int) -> bool:
    """From the training images."""
    return part == VALIDATION and not listing.has(part)


def _too_few(name: str, images: int, needed: Sequence[str]) -> str:
    if len(needed) == 1:
        return f"the class {name!r} has no training images"
    found = ("no images", "a single image", "two images")[images]
    parts = f"{', '.join(needed[:-1])} and {needed[-1]}"
    return f"the class {name!r} has {found}, and {parts} need one each"


def class_counts(listing: Listing) -> NDArray[np.int64]:
    """[parts, classes], of the files as they are listed."""
    counts = np.zeros((len(PART_NAMES), len(listing.class_names)), dtype=np.int64)
    np.add.at(counts, (listing.parts, listing.labels), 1)
    return counts


def divided_counts(listing: Listing, validation_fraction: float) -> NDArray[np.int64]:
    """[parts, classes], as a search divides them."""
    counts = class_counts(listing)
    if not listing.has(VALIDATION):
        for label, images in enumerate(counts[TRAINING].tolist()):
            counts[VALIDATION, label] = share_count(images, validation_fraction, left=1)
        counts[TRAINING] -= counts[VALIDATION]
    return counts
