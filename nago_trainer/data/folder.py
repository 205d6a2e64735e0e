"""Any folder of images by class: PATH/CLASS/IMAGE. Called by `catalogue`.

Which files count says `folder_scan`. If every image is grey the set has one channel, otherwise three.
"""

from __future__ import annotations

import os
import statistics
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from nago_trainer.contract.task import IMAGE_RULES, DatasetSettings
from nago_trainer.data.fingerprint import fingerprint_of, listing_stamp, manifest_of
from nago_trainer.data.folder_scan import ClassFolder, class_folders
from nago_trainer.data.images import DatasetDescription, ImageSet
from nago_trainer.data.picture import read_picture
from nago_trainer.data.pixel_types import refuse_unscaled
from nago_trainer.errors import DataChangedError, DataError, StorageError

CHANGED = "the images have changed since the study began"
AHEAD = 16
"""Files of each thread that are under way or wait for it."""
_Of = TypeVar("_Of")
_T = TypeVar("_T")


def describe_folder(path: Path) -> DatasetDescription:
    """Decodes every image, so that no trial meets a broken one. Raises DataError naming the first."""
    classes = class_folders(path)
    checked = in_parallel(lambda file: read_picture(file, size=1, channels=3, rules=IMAGE_RULES), _files(classes))
    refuse_unscaled((picture.peak for picture in checked), path)
    headers = [picture.header for picture in checked]
    return DatasetDescription(
        channels=1 if all(header.grey for header in headers) else 3,
        classes=len(classes),
        images=len(headers),
        class_names=tuple(folder.name for folder in classes),
        size=int(statistics.median_low(header.shorter_side for header in headers)),
    )


def load_folder(path: Path, settings: DatasetSettings) -> ImageSet:
    """Raises DataError for what `describe_folder` would refuse, and DataChangedError where others were expected.

    Raises StorageError, from which nothing follows for them, where they cannot be read for a while.
    """
    try:
        images, found = _load(path, settings)
    except DataError as error:
        if settings.fingerprint is None:
            raise
        raise DataChangedError(f"{CHANGED}: {error}") from error  # when it was taken, all could be read
    if settings.fingerprint not in (None, found):
        raise DataChangedError(CHANGED, where=path)
    return images


def _load(path: Path, settings: DatasetSettings) -> tuple[ImageSet, str]:
    """And their fingerprint."""
    classes = class_folders(path)
    files = _files(classes)
    size, channels = settings.image_size, settings.channels
    pixels = np.empty((len(files), channels, size, size), dtype=np.uint8)  # once: the images may fill half the memory

    def read(number: int) -> tuple[str, int | None]:
        picture = read_picture(files[number], size, channels, settings.image_rules)
        pixels[number] = picture.pixels
        return picture.digest, picture.peak

    found = in_parallel(read, range(len(files)))
    refuse_unscaled((peak for _, peak in found), path)
    images = ImageSet(
        pixels=pixels,
        labels=np.repeat(np.arange(len(classes)), [len(folder.files) for folder in classes]),
        class_names=tuple(folder.name for folder in classes),
        files=tuple(str(file.relative_to(path)) for file in files),
    )
    return images, fingerprint_of(manifest_of(path, files, [digest for digest, _ in found]))


def stamp_folder(path: Path) -> str:
    """Without reading an image: the same as long as none was written. Raises DataError or OSError."""
    return listing_stamp(_files(class_folders(path)))


def _files(classes: Sequence[ClassFolder]) -> list[Path]:
    return [file for folder in classes for file in folder.files]


def in_parallel(read: Callable[[_Of], _T], files: Sequence[_Of], threads: int | None = None) -> list[_T]:
    """Results in the order of the files; the error is that of the first broken one. Pillow decodes outside the GIL.

    `threads`: without it, one for each CPU.
    """
    count = threads or _cpus()
    with ThreadPoolExecutor(max_workers=count) as pool:
        try:
            return list(_in_order(pool, read, files, ahead=AHEAD * count))
        except (DataError, StorageError):
            pool.shutdown(cancel_futures=True)
            raise


def _in_order(pool: ThreadPoolExecutor, read: Callable[[_Of], _T], files: Sequence[_Of], ahead: int) -> Iterator[_T]:
    """What waits for a thread takes memory: of a million files, more than their results."""
    begun: deque[Future[_T]] = deque()
    for file in files:
        if len(begun) == ahead:
            yield begun.popleft().result()
        begun.append(pool.submit(read, file))
    while begun:
        yield begun.popleft().result()


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
