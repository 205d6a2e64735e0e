"""The test images of a dataset that has none of its own, where all images are in memory. Called by `catalogue`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nago_trainer.contract.task import TEST, DatasetSettings
from nago_trainer.data.images import ImageSet
from nago_trainer.data.split import Indices, members_for_testing


def without_test_part(images: ImageSet, settings: DatasetSettings) -> ImageSet:
    """All images but those of the test part, which are told apart where they are asked for. Raises DataError."""
    if settings.test_fraction == 0:
        return images
    test = members_for_testing(images.labels, settings.test_fraction, groups=None, left=2, names=images.class_names)
    rest = _part(images, np.setdiff1d(np.arange(len(images.labels)), test))
    return replace(rest, test=_part(images, test)) if settings.measured_on == TEST else rest


def _part(images: ImageSet, members: Indices) -> ImageSet:
    return replace(images, pixels=images.pixels[members], labels=images.labels[members])
