"""The datasets by name, and what both programs know of each without a look at its images. Only this place names all.

The trainer's `data/catalogue.py` has the reader of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

DefaultsOf = Literal["digits", "folder", "cifar", "photographs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """What a dataset holds."""

    channels: int
    classes: int
    images: int
    """For training and validation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    defaults: DefaultsOf
    """Which of the study file's defaults it takes: image size, learning rate and so on."""
    needs_path: bool = True
    """Whether its images are where the study file says, and not in an installed package."""
    test_images: bool = False
    """Whether it has test images of its own; the others are measured on validation images, which the search knows."""
    published: DatasetFacts | None = None
    """What it always holds, for where the orchestrator cannot look; the trainer checks it there."""
    test_fraction: float = 0.0
    """Share of its images that a new study sets apart for testing, unless its file says otherwise."""
    files: bool = False
    """Whether its images are files, each of which is examined, and which have a fingerprint."""


def _photographs(*, classes: int, images: int) -> DataSet:
    published = DatasetFacts(channels=3, classes=classes, images=images)
    return DataSet(defaults="photographs", test_images=True, published=published, files=True)


DATA_SETS: Mapping[str, DataSet] = {
    "digits": DataSet(
        defaults="digits",
        needs_path=False,
        test_fraction=0.2,
        published=DatasetFacts(channels=1, classes=10, images=1_797),
    ),
    "folder": DataSet(defaults="folder", test_fraction=0.2, files=True),
    "cifar10": DataSet(
        defaults="cifar", test_images=True, published=DatasetFacts(channels=3, classes=10, images=50_000)
    ),
    "cifar100": DataSet(
        defaults="cifar", test_images=True, published=DatasetFacts(channels=3, classes=100, images=50_000)
    ),
    "sport8": _photographs(classes=8, images=560),
    "mit67": _photographs(classes=67, images=5_360),
    "flowers102": _photographs(classes=102, images=2_040),
    "imagenet": _photographs(classes=1000, images=1_281_167),
}
