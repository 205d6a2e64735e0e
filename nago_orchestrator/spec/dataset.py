"""The section `trainer.dataset`: which images, where they are, and how they are divided."""

from __future__ import annotations

import errno
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from nago_orchestrator.spec.by_dataset import in_words, of_dataset
from nago_orchestrator.spec.options import Fit
from nago_orchestrator.spec.scalars import ByteCount, Real, Whole, known_word, read_text, wrong
from nago_orchestrator.spec.section import Section, is_study_file
from nago_trainer.contract.data_sets import DATA_SETS
from nago_trainer.contract.task import SQUASH

DATASETS = tuple(DATA_SETS)
DatasetName = Annotated[
    str, BeforeValidator(known_word("dataset", DATASETS)), WithJsonSchema({"enum": [*DATASETS], "type": "string"})
]


def _read_path(value: Any, info: ValidationInfo) -> str | None:
    """Relative paths start at the study file's folder (the validation's context), so that they do not move with the
    shell's; for trials in a cluster, at the mounted volume. Without a context, the text stays as it is."""
    if value is None:
        return None
    context = info.context or {}
    if "volume" in context:
        return _path_in_container(read_text(value), context["volume"])
    folder = context.get("folder")
    try:
        path = Path(read_text(value)).expanduser()
        return str(path) if folder is None else _resolved(Path(folder) / path)
    except (OSError, RuntimeError) as error:  # a folder that may not be entered, a loop of links, ~ of an unknown user
        raise wrong(f"cannot be resolved: {getattr(error, 'strerror', None) or error}") from error


def _resolved(path: Path) -> str:
    """Whether it exists or not. Raises OSError for a loop of links, of which Python 3.13 says nothing by itself."""
    found = path.resolve()
    try:
        found.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise
    return str(found)


def _path_in_container(text: str, volume: str | None) -> str:
    """Nothing of this machine's files is looked at: the path is one of the trainer's."""
    path = PurePosixPath(text)
    if text.startswith("~"):
        raise wrong(f"must be a path in the trainer's container, where there is no home folder; found '{text}'")
    if path.is_absolute():
        return str(path)
    if volume is None:
        raise wrong(
            f"is relative ('{text}'), and execution.kubernetes.data mounts no volume that it could be relative to",
            do="write an absolute path in the trainer's container",
        )
    return str(PurePosixPath(volume) / path)


def _read_prepared(value: Any, info: ValidationInfo) -> str | None:
    if value is not None and "volume" in (info.context or {}) and not PurePosixPath(read_text(value)).is_absolute():
        raise wrong(
            f"is relative ('{value}'), and must be a path in the trainer's container",
            do="remove it and set execution.kubernetes.prepared, or write an absolute path",
        )
    return _read_path(value, info)


_OF_NEW_STUDIES: Any = {"x-default": in_words({name: known.test_fraction for name, known in DATA_SETS.items()})}


class DatasetSection(Section):
    name: DatasetName
    """The images: scikit-learn's digits, any folder with one subfolder per class, or a published dataset."""
    path: Annotated[str | None, BeforeValidator(_read_path)] = None
    """Where the images are; relative paths start at the study file's folder, for trials in a cluster at the volume that
    `execution.kubernetes.data` mounts. Not for digits."""
    image_size: Annotated[Whole, Field(ge=4, le=1024)] = of_dataset(digits=8, folder=64, cifar=32, photographs=224)
    """Height and width in pixels to which every image is brought."""
    fit: Fit = SQUASH
    """How an image that is no square becomes one: squash stretches it, crop takes its middle, pad adds black."""
    classes: Annotated[Whole, Field(ge=2, le=1_000_000)] | None = None
    """How many classes there are; only for a folder that lies in the cluster, where the orchestrator cannot count."""
    channels: Annotated[Whole, Field(ge=1, le=4)] | None = None
    """1 for grey images, 3 for colours; likewise."""
    validation_fraction: Annotated[Real, Field(ge=0.01, le=0.9)] = 0.2
    """Share of the training images that is held out to compare networks; the test set is never used."""
    test_fraction: Annotated[Real, Field(ge=0, le=0.9)] = Field(default=0.0, json_schema_extra=_OF_NEW_STUDIES)
    """Share of the images that only final training is measured on, the same ones in every study; 0: none. Without
    effect where a folder or a CSV file has test images of its own."""

    labels: Annotated[str | None, BeforeValidator(_read_path)] = None
    """A CSV file with the columns file and label and, where wanted, split and group: the classes of a folder whose
    subfolders mean nothing. Relative paths as in path."""
    memory: Annotated[ByteCount, Field(ge=1)] | None = None
    """What the images may take in memory; of more, prepared images are read batch by batch. Changes no result."""
    prepared: Annotated[str | None, BeforeValidator(_read_prepared)] = None
    """A folder in which the images are kept decoded and resized, so that it is done once. Not for digits and CIFAR."""

    @model_validator(mode="before")
    @classmethod
    def _set_test_images_apart(cls, given: Any, info: ValidationInfo) -> Any:
        """Of a file alone: a stored study of before has no such images, and is measured as it was."""
        if not isinstance(given, dict) or not is_study_file(info) or "test_fraction" in given:
            return given
        known = DATA_SETS.get(str(given.get("name")))
        return given if known is None else {**given, "test_fraction": known.test_fraction}

    @model_validator(mode="after")
    def _test_images_are_of_one_kind(self) -> DatasetSection:
        if self.test_fraction and DATA_SETS[self.name].test_images:
            raise wrong(f"has test_fraction, but {self.name} has test images of its own", do="remove test_fraction")
        return self

    @model_validator(mode="after")
    def _labels_fit_name(self) -> DatasetSection:
        if self.labels is not None and self.name != "folder":
            raise wrong(f"has labels, but {self.name} has its own", do="remove the key labels, or set name: folder")
        return self

    @model_validator(mode="after")
    def _path_fits_name(self) -> DatasetSection:
        needs_path = DATA_SETS[self.name].needs_path
        if not needs_path and self.path is not None:
            raise wrong(f"has a path, but {self.name} is part of scikit-learn", do="remove the path")
        if needs_path and self.path is None:
            raise wrong(f"has no path to the images of {self.name}", do="add the key path")
        for key in ("prepared", "memory"):
            if getattr(self, key) is not None and not DATA_SETS[self.name].files:
                raise wrong(f"has the key {key}, but {self.name} is read whole, and fast", do="remove the key")
        return self
