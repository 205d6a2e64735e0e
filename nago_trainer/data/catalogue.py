"""The reader of each dataset. Called by attempts and by `nago-train describe-data`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from nago_trainer.contract.data_report import DataReport
from nago_trainer.contract.data_sets import DATA_SETS
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.task import IMAGE_RULES, TEST, DatasetSettings
from nago_trainer.data.cifar import ARCHIVES, describe_cifar, load_cifar
from nago_trainer.data.csv_listing import list_csv
from nago_trainer.data.digits import describe_digits, load_digits
from nago_trainer.data.flowers102 import list_flowers102
from nago_trainer.data.folder import describe_files, load_files, stamp_files
from nago_trainer.data.folder_listing import list_folder
from nago_trainer.data.imagenet import list_imagenet
from nago_trainer.data.images import DatasetDescription, ImageSet, RowsOf
from nago_trainer.data.listing import Listing
from nago_trainer.data.mit67 import list_mit67
from nago_trainer.data.pixel_counts import count_values
from nago_trainer.data.split import trained_on
from nago_trainer.data.sport8 import list_sport8
from nago_trainer.data.store.plan import store_plan, store_stamp
from nago_trainer.data.store.prepared import prepared_images
from nago_trainer.data.survey import AS_USUAL, Look, survey_files, survey_of
from nago_trainer.data.test_part import without_test_part
from nago_trainer.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """All are given where the images are, which means nothing for a dataset that needs no path."""

    describe: Callable[[Path], DatasetDescription]
    """Checks everything, without torch."""
    survey: Callable[[Path, DataSource, Look], DataReport] | None = None
    """Where every image may be another."""
    stamp: Callable[[Path, DatasetSettings], str] | None = None
    """Where images may change: something cheap that changes with them."""
    load: Callable[[Path, DatasetSettings], ImageSet]
    """The images for training and validation; of a dataset of files also its test images, where they are asked for."""
    load_into: Callable[[Path, DatasetSettings, RowsOf], ImageSet] | None = None
    """The same, of a dataset with a fingerprint: into the place that is given for all pixels."""
    load_test: Callable[[Path, DatasetSettings], ImageSet] | None = None


def _of_files(list_files: Callable[[Path, str | None], Listing]) -> Reader:
    return Reader(
        describe=lambda path: describe_files(list_files(path, None)),
        survey=lambda path, source, look: survey_files(list_files(path, source.labels), source, look),
        load=lambda path, settings: load_files(lambda: list_files(path, settings.labels), settings),
        load_into=lambda path, settings, rows: load_files(lambda: list_files(path, settings.labels), settings, rows),
        stamp=lambda path, settings: stamp_files(list_files(path, settings.labels), DataSource.of(settings)),
    )


def _folder(path: Path, labels: str | None) -> Listing:
    return list_folder(path) if labels is None else list_csv(path, Path(labels))


READERS: Mapping[str, Reader] = {
    "digits": Reader(
        describe=lambda _: describe_digits(),
        survey=lambda _, source, look: survey_of(describe_digits(), source, load_digits(8).labels.tolist()),
        load=lambda _, settings: without_test_part(load_digits(settings.image_size), settings),
    ),
    "folder": _of_files(_folder),
    **{
        name: Reader(
            describe=partial(describe_cifar, name),
            load=lambda path, settings: load_cifar(settings.name, path, settings.image_size),
            load_test=lambda path, settings: load_cifar(settings.name, path, settings.image_size, train=False),
        )
        for name in ARCHIVES
    },
    "sport8": _of_files(lambda path, _: list_sport8(path)),
    "mit67": _of_files(lambda path, _: list_mit67(path)),
    "flowers102": _of_files(lambda path, _: list_flowers102(path)),
    "imagenet": _of_files(lambda path, _: list_imagenet(path)),
}


def describe(name: str, path: str | None) -> DatasetDescription:
    """Checks the whole dataset without torch. Raises DataError for the first thing that is wrong."""
    location = _location(name, path)
    return READERS[name].describe(location)


def survey(source: DataSource, look: Look = AS_USUAL) -> DataReport:
    """All that is wrong at once, without torch. Raises DataError where there is nothing to look at."""
    location = _location(source.name, source.path)
    reader = READERS[source.name]
    if reader.survey is None:
        return survey_of(reader.describe(location), source)
    return reader.survey(location, source, look)


def images_stamp(settings: DatasetSettings) -> str | None:
    """As long as it is the same, loaded images are what they were; None for a dataset that does not change.

    Another one too where prepared images are made anew. Raises DataError or OSError.
    """
    stamp = READERS[settings.name].stamp
    if stamp is None:
        return None
    store = store_stamp(store_plan(settings, os.environ))
    return f"{stamp(_location(settings.name, settings.path), settings)} {store}"


def load_images(settings: DatasetSettings) -> ImageSet:
    """All images from which training and validation are taken, resized; with the test images where they are asked for.

    Raises DataError, also where channels or classes are not what the settings say.
    """
    if settings.image_rules > IMAGE_RULES:
        raise DataError("the study reads images by rules that this version does not know", do="upgrade the trainer")
    location = _location(settings.name, settings.path)
    reader = READERS[settings.name]
    images = _load(reader, location, settings)
    if settings.measured_on == TEST:
        if reader.load_test is not None:
            images = replace(images, test=reader.load_test(location, settings))
        if images.test is None:
            raise DataError(f"the dataset {settings.name} has no test images of its own")
    found = (images.pixels.shape[1], len(images.class_names))
    if found != (settings.channels, settings.classes):
        raise DataError(
            f"the dataset {settings.name} has {found[0]} channels and {found[1]} classes, "
            f"and the study was created with {settings.channels} and {settings.classes}"
        )
    if images.counts is None:
        images = replace(images, counts=count_values(images.pixels, trained_on(images, settings)))
    return images


def prepare_images(settings: DatasetSettings, environment: Mapping[str, str]) -> dict[str, str | int]:
    """Folder, images and bytes of the store that they have then. Raises DataError or StorageError."""
    plan = store_plan(settings, environment)
    if plan.folder is None:
        raise DataError("the images have no fingerprint, or no folder for prepared ones")
    images = load_images(replace(settings, memory=1))
    parts = [images] if images.test is None else [images, images.test]
    count = sum(len(part.labels) for part in parts)
    return {"folder": str(plan.folder), "images": count, "bytes": count * settings.channels * settings.image_size**2}


def _load(reader: Reader, location: Path, settings: DatasetSettings) -> ImageSet:
    load_into = reader.load_into
    if load_into is None:
        return reader.load(location, settings)
    return prepared_images(
        store_plan(settings, os.environ),
        lambda rows_of: load_into(location, settings, rows_of),
        lambda images: trained_on(images, settings),
    )


def _location(name: str, path: str | None) -> Path:
    if name not in DATA_SETS:
        raise DataError(f"there is no dataset {name!r}", do=f"choose one of {', '.join(DATA_SETS)}")
    if DATA_SETS[name].needs_path and not path:
        raise DataError(f"the dataset {name} needs a path", do="set trainer.dataset.path")
    return Path(path or "").expanduser()
