"""The datasets by name: what they hold, and their images. Called by attempts and by `nago-train describe-data`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nago_trainer.contract.task import TEST, DatasetSettings
from nago_trainer.data.cifar import ARCHIVES, describe_cifar, load_cifar
from nago_trainer.data.digits import DESCRIPTION, check_digits, load_digits
from nago_trainer.data.folder import describe_folder, load_folder
from nago_trainer.data.images import DatasetDescription, ImageSet
from nago_trainer.errors import DataError

NAMES = ("digits", "folder", *ARCHIVES)
WITH_TEST_IMAGES = tuple(ARCHIVES)


def describe(name: str, path: str | None) -> DatasetDescription:
    """Checks the whole dataset without torch. Raises DataError for the first thing that is wrong."""
    if name == "digits":
        check_digits()
        return DESCRIPTION
    location = _location(name, path)
    return describe_folder(location) if name == "folder" else describe_cifar(name, location)


def load_images(settings: DatasetSettings) -> ImageSet:
    """All images from which training and validation are taken, resized; with the test images where they are asked for.

    Raises DataError, also where channels or classes are not what the settings say.
    """
    images = _read(settings)
    if settings.measured_on == TEST:
        images = replace(images, test=_read_test(settings))
    found = (images.pixels.shape[1], len(images.class_names))
    if found != (settings.channels, settings.classes):
        raise DataError(
            f"the dataset {settings.name} has {found[0]} channels and {found[1]} classes, "
            f"the study was made for {settings.channels} and {settings.classes}: it has changed since"
        )
    return images


def _read(settings: DatasetSettings) -> ImageSet:
    if settings.name == "digits":
        return load_digits(settings.image_size)
    location = _location(settings.name, settings.path)
    if settings.name == "folder":
        return load_folder(location, settings.image_size, settings.channels)
    return load_cifar(settings.name, location, settings.image_size)


def _read_test(settings: DatasetSettings) -> ImageSet:
    if settings.name not in WITH_TEST_IMAGES:
        raise DataError(f"the dataset {settings.name} has no test images of its own")
    return load_cifar(settings.name, _location(settings.name, settings.path), settings.image_size, train=False)


def _location(name: str, path: str | None) -> Path:
    if name not in NAMES:
        raise DataError(f"there is no dataset {name!r}: choose one of {', '.join(NAMES)}")
    if not path:
        raise DataError(f"the dataset {name} needs a path")
    return Path(path).expanduser()
