"""Parts of the images: of every class a share for validation, the same for all trials of a study, and one for testing,
the same for all studies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nago_trainer.contract.task import TEST, DatasetSettings
from nago_trainer.data.group_split import split_groups
from nago_trainer.data.images import ImageSet
from nago_trainer.errors import DataError

Indices = NDArray[np.int64]
TEST_SEED = 0
"""Whatever the seed of a study is: networks of different studies are measured on the same images."""


def share_count(images: int, fraction: float, *, left: int = 1) -> int:
    """Of the images of a class, those that are taken; so many are left at least, and one is taken if it can be."""
    return max(0, min(max(round(images * fraction), 1), images - left))


def stratified_split(
    labels: Indices,
    fraction: float,
    seed: int,
    *,
    groups: Indices | None = None,
    left: int = 1,
    names: Sequence[str] | None = None,
) -> tuple[Indices, Indices]:
    """Indices of the images that stay and of those that are taken, both ascending.

    Every class gives `fraction` of its images, rounded, but at least one, and keeps `left` or more. Images of one
    group stay together. Raises DataError for a class of which that cannot be done; `names`: of the classes.
    """
    if len(labels) == 0:
        raise DataError("there are no images to divide")
    if groups is not None:
        chosen = _of_groups(labels, groups, fraction, seed, left, names)
        return np.setdiff1d(np.arange(len(labels)), chosen), chosen
    generator = np.random.default_rng(seed)
    taken: list[Indices] = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) <= left:
            found = "a single image" if len(members) == 1 else f"{len(members)} images"
            raise DataError(f"{_name(label, names)} has {found}, and {_parts(left)} need one each")
        taken.append(generator.permutation(members)[: share_count(len(members), fraction, left=left)])
    chosen = np.sort(np.concatenate(taken))
    return np.setdiff1d(np.arange(len(labels)), chosen), chosen


def divided(images: ImageSet, fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Indices of the training and of the validation images. Raises DataError for a class with one image."""
    if images.validation is None:
        return stratified_split(images.labels, fraction, seed, groups=images.groups)
    return np.setdiff1d(np.arange(len(images.labels)), images.validation), images.validation


def trained_on(images: ImageSet, settings: DatasetSettings) -> Indices | None:
    """Indices of the training images; None for all of them. Raises DataError for a class with one image."""
    if settings.measured_on == TEST:
        return None
    return divided(images, settings.validation_fraction, settings.split_seed)[0]


def members_for_testing(
    labels: Indices, fraction: float, *, groups: Indices | None, left: int, names: Sequence[str] | None = None
) -> Indices:
    """Those that no search sees. Raises DataError as `stratified_split` does."""
    return stratified_split(labels, fraction, TEST_SEED, groups=groups, left=left, names=names)[1]


def _of_groups(
    labels: Indices, groups: Indices, fraction: float, seed: int, left: int, names: Sequence[str] | None
) -> Indices:
    counts = np.bincount(labels)
    wanted = np.array([share_count(int(images), fraction, left=left) for images in counts])
    chosen, lacking = split_groups(labels, groups, wanted, left, np.random.default_rng(seed))
    if lacking:
        raise DataError(
            f"the groups of {_name(lacking[0], names)} are too few for {_parts(left)}",
            do="give the images of more groups, or images of its own for each part",
        )
    return chosen


def _name(label: int, names: Sequence[str] | None) -> str:
    return f"class number {label}" if names is None else f"the class {names[label]!r}"


def _parts(left: int) -> str:
    return "training and validation" if left == 1 else "training, validation and test"
