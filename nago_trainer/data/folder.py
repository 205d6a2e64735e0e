"""Any folder of images by class: PATH/CLASS/IMAGE. Called by `catalogue`.

Classes are the folders in the order of their names; hidden files, files of other kinds and folders inside a class are
ignored. If every image is grey the set has one channel, otherwise three.
"""

from __future__ import annotations

import os
import stat
import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from nago_trainer.contract.task import IMAGE_RULES
from nago_trainer.data.images import DatasetDescription, ImageSet
from nago_trainer.data.picture import Header, Picture, read_header, read_picture
from nago_trainer.data.pixel_types import refuse_unscaled
from nago_trainer.errors import DataError

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".tif", ".tiff"}
)
ONE_FOLDER_EACH = "give a folder with at least two subfolders, one for the images of each class"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFolder:
    name: str
    files: tuple[Path, ...]


def scan(path: Path) -> tuple[ClassFolder, ...]:
    """Names only, no image is opened. Raises DataError unless there are two classes or more, of two images or more."""
    _check_is_folder(path)
    try:
        classes = tuple(ClassFolder(name=folder.name, files=_image_files(folder)) for folder in _class_folders(path))
    except OSError as error:
        raise DataError(f"cannot read the folder: {error.strerror}", where=error.filename or path) from error
    if len(classes) < 2:
        found = "a single subfolder" if classes else "no subfolder"
        raise DataError(f"the dataset has {found}", where=path, do=ONE_FOLDER_EACH)
    for folder in classes:
        if len(folder.files) < 2:
            found = "a single image" if folder.files else "no images"
            what = f"the class {folder.name!r} has {found}, and training and validation need one each"
            raise DataError(what, where=path, do="add images, or remove the subfolder")
    return classes


def _check_is_folder(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("there is no such folder", where=path, do=ONE_FOLDER_EACH) from error
    except OSError as error:
        raise DataError(f"cannot read the folder: {error.strerror}", where=path) from error
    if not stat.S_ISDIR(mode):
        raise DataError("the path of the dataset is a file", where=path, do=ONE_FOLDER_EACH)


def describe_folder(path: Path) -> DatasetDescription:
    """Decodes every image, so that no trial meets a broken one. Raises DataError naming the first."""
    classes = scan(path)
    checked = _in_parallel(_check, _files(classes))
    refuse_unscaled((picture.peak for _, picture in checked), path)
    headers = [header for header, _ in checked]
    return DatasetDescription(
        channels=1 if all(header.grey for header in headers) else 3,
        classes=len(classes),
        images=len(headers),
        class_names=tuple(folder.name for folder in classes),
        size=int(statistics.median_low(header.shorter_side for header in headers)),
    )


def load_folder(path: Path, size: int, channels: int, rules: int) -> ImageSet:
    """`rules`: as in `DatasetSettings.image_rules`. Raises DataError for what `describe_folder` would refuse."""
    classes = scan(path)
    pictures = _in_parallel(lambda file: read_picture(file, size, channels, rules), _files(classes))
    refuse_unscaled((picture.peak for picture in pictures), path)
    return ImageSet(
        pixels=np.stack([picture.pixels for picture in pictures]),
        labels=np.repeat(np.arange(len(classes)), [len(folder.files) for folder in classes]),
        class_names=tuple(folder.name for folder in classes),
    )


def _class_folders(path: Path) -> Iterator[Path]:
    return (entry for entry in _entries(path) if entry.is_dir())


def _image_files(folder: Path) -> tuple[Path, ...]:
    return tuple(entry for entry in _entries(folder) if entry.suffix.lower() in SUFFIXES and entry.is_file())


def _entries(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))


def _files(classes: Sequence[ClassFolder]) -> list[Path]:
    return [file for folder in classes for file in folder.files]


def _check(file: Path) -> tuple[Header, Picture]:
    return read_header(file), read_picture(file, size=1, channels=3, rules=IMAGE_RULES)


def _in_parallel(read: Callable[[Path], _T], files: list[Path]) -> list[_T]:
    """Results in the order of the files; the error is that of the first broken one. Pillow decodes outside the GIL."""
    with ThreadPoolExecutor(max_workers=_cpus()) as pool:
        try:
            return list(pool.map(read, files))
        except DataError:
            pool.shutdown(cancel_futures=True)
            raise


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
