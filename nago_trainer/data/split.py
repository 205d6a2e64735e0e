"""The validation split: a part of every class of the training data, the same for all trials of a study."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nago_trainer.contract.task import TEST, DatasetSettings
from nago_trainer.data.images import ImageSet
from nago_trainer.errors import DataError

Indices = NDArray[np.int64]


def share_count(images: int, fraction: float, *, left: int) -> int:
    """Of the images of a class, those that are taken; so many are left at least, and one is taken if it can be."""
    return max(0, min(max(round(images * fraction), 1), images - left))


def stratified_split(labels: Indices, fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Indices of the training and of the validation images, both ascending.

    Every class gives `fraction` of its images, rounded, but at least one to either side. Raises DataError for a class
    with one image.
    """
    generator = np.random.default_rng(seed)
    validation: list[Indices] = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            raise DataError(f"class number {label} has a single image, and training and validation need one each")
        validation.append(generator.permutation(members)[: share_count(len(members), fraction, left=1)])
    chosen = np.sort(np.concatenate(validation))
    return np.setdiff1d(np.arange(len(labels)), chosen), chosen


def divided(images: ImageSet, fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Indices of the training and of the validation images. Raises DataError for a class with one image."""
    if images.validation is None:
        return stratified_split(images.labels, fraction, seed)
    return np.setdiff1d(np.arange(len(images.labels)), images.validation), images.validation


def trained_on(images: ImageSet, settings: DatasetSettings) -> Indices | None:
    """Indices of the training images; None for all of them. Raises DataError for a class with one image."""
    if settings.measured_on == TEST:
        return None
    return divided(images, settings.validation_fraction, settings.split_seed)[0]
