"""CIFAR-10 and CIFAR-100 from the files of their python archives, read and verified by torchvision.

torchvision, and with it torch, is imported when images are loaded, and for these two datasets only. A search never sees
the test images; final training is measured on them. Called by `catalogue`.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nago_trainer.data.images import DatasetDescription, ImageSet, resize_all
from nago_trainer.data.torchvision_import import import_torchvision_datasets
from nago_trainer.errors import DataError

SIZE = 32
TRAINING_IMAGES = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CifarArchive:
    """The files of one of the two datasets, as torchvision expects them under its root."""

    torchvision_name: str
    archive: str
    folder: str
    batches: tuple[str, ...]
    meta: str
    names_key: str


ARCHIVES = {
    "cifar10": CifarArchive(
        torchvision_name="CIFAR10",
        archive="cifar-10-python.tar.gz",
        folder="cifar-10-batches-py",
        batches=(*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"),
        meta="batches.meta",
        names_key="label_names",
    ),
    "cifar100": CifarArchive(
        torchvision_name="CIFAR100",
        archive="cifar-100-python.tar.gz",
        folder="cifar-100-python",
        batches=("train", "test"),
        meta="meta",
        names_key="fine_label_names",
    ),
}


def describe_cifar(name: str, path: Path) -> DatasetDescription:
    """Checks that the files are there; their contents are verified when they are loaded. Raises DataError."""
    archive = ARCHIVES[name]
    names = _class_names(find_root(archive, path) / archive.folder / archive.meta, archive.names_key)
    return DatasetDescription(channels=3, classes=len(names), images=TRAINING_IMAGES, class_names=names, size=SIZE)


def load_cifar(name: str, path: Path, size: int, *, train: bool = True) -> ImageSet:
    """The training or the test images. Raises DataError for files that are missing or not the published ones."""
    archive = ARCHIVES[name]
    root = find_root(archive, path)
    try:
        dataset = _dataset_class(archive)(root=str(root), train=train, download=False)
    except RuntimeError as error:
        folder = root / archive.folder
        raise DataError(
            f"{name} is damaged", where=folder, do=f"remove it and extract {archive.archive} again"
        ) from error
    pixels = np.ascontiguousarray(dataset.data.transpose(0, 3, 1, 2))
    labels = np.asarray(dataset.targets, dtype=np.int64)
    return ImageSet(pixels=resize_all(pixels, size), labels=labels, class_names=tuple(dataset.classes))


def find_root(archive: CifarArchive, path: Path) -> Path:
    """torchvision's root: `path`, or its parent where `path` is the extracted folder itself. Raises DataError."""
    root = path.parent if path.name == archive.folder else path
    missing = [file for file in (*archive.batches, archive.meta) if not (root / archive.folder / file).is_file()]
    if missing:
        wanted = root / archive.folder / missing[0]
        raise DataError(
            f"a file of {archive.folder} is missing",
            where=wanted,
            do=f"extract {archive.archive} in {root} or give another path",
        )
    return root


def _dataset_class(archive: CifarArchive) -> Any:
    return getattr(import_torchvision_datasets(), archive.torchvision_name)


class _NamesOnly(pickle.Unpickler):
    """Reads lists and strings; a file that wants to import anything is refused."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is no class name")


def _class_names(file: Path, key: str) -> tuple[str, ...]:
    try:
        names = _NamesOnly(io.BytesIO(file.read_bytes()), encoding="latin1").load()[key]
    except (OSError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"damaged file: {error}", where=file, do="extract its archive again") from error
    return tuple(str(name) for name in names)
