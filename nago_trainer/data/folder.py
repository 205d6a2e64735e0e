"""The image files of a listing, described and loaded. If every image is grey the set has one channel, otherwise three.

Called by `catalogue`.
"""

from __future__ import annotations

import os
import statistics
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np

from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.task import IMAGE_RULES, DatasetSettings
from nago_trainer.contract.task import TEST as TEST_IMAGES
from nago_trainer.data.fingerprint import fingerprint_of, listing_stamp, manifest_of
from nago_trainer.data.images import DatasetDescription, ImageSet, MemoryRows, Pixels, RowsOf
from nago_trainer.data.listing import TEST, VALIDATION, Listing, listing_problems, with_test_part
from nago_trainer.data.picture import read_digest, read_picture
from nago_trainer.data.pixel_types import refuse_unscaled
from nago_trainer.data.split import Indices
from nago_trainer.errors import DataChangedError, DataError, StorageError

CHANGED = "the images have changed since the study began"
AHEAD = 16
"""Files of each thread that are under way or wait for it."""
_Of = TypeVar("_Of")
_T = TypeVar("_T")


def describe_files(listing: Listing) -> DatasetDescription:
    """Decodes every image, so that no trial meets a broken one. Raises DataError naming the first."""
    _refuse(listing, DataSource(name="", path=None, validation_fraction=0.2))  # any share will do
    checked = in_parallel(lambda file: read_picture(file, size=1, channels=3, rules=IMAGE_RULES), listing.files)
    refuse_unscaled((picture.peak for picture in checked), listing.root)
    headers = [picture.header for picture in checked]
    return DatasetDescription(
        channels=1 if all(header.grey for header in headers) else 3,
        classes=len(listing.class_names),
        images=int((listing.parts != TEST).sum()),
        class_names=listing.class_names,
        size=int(statistics.median_low(header.shorter_side for header in headers)),
    )


def load_files(list_files: Callable[[], Listing], settings: DatasetSettings, rows_of: RowsOf = MemoryRows) -> ImageSet:
    """Raises DataError for what `describe_files` would refuse, and DataChangedError where others were expected.

    Raises StorageError, from which nothing follows for them, where they cannot be read for a while.
    """
    try:
        images, found = _load(list_files(), settings, rows_of)
    except DataError as error:
        if settings.fingerprint is None:
            raise
        raise DataChangedError(f"{CHANGED}: {error}") from error  # when it was taken, all could be read
    if settings.fingerprint not in (None, found):
        raise DataChangedError(CHANGED, where=settings.path)
    return images


def _load(listing: Listing, settings: DatasetSettings, rows_of: RowsOf) -> tuple[ImageSet, str]:
    """And their fingerprint, for which all files are read. Test images are decoded only where they are asked for."""
    _refuse(listing, DataSource.of(settings))
    listing = with_test_part(listing, settings.test_fraction)
    size, channels = settings.image_size, settings.channels
    known, test = np.flatnonzero(listing.parts != TEST), np.flatnonzero(listing.parts == TEST)
    asked = test if settings.measured_on == TEST_IMAGES else test[:0]
    places = {int(number): place for place, number in enumerate([*known, *asked])}
    rows = rows_of((len(places), channels, size, size))

    def read(number: int) -> tuple[str, int | None]:
        file, place = listing.files[number], places.get(number)
        if place is None:
            return read_digest(file), None
        picture = read_picture(file, size, channels, settings.image_rules, settings.fit)
        rows.put(place, picture.pixels)
        return picture.digest, picture.peak

    found = in_parallel(read, range(len(listing.files)))
    refuse_unscaled((peak for _, peak in found), listing.root)
    images = _image_set(listing, known, rows.in_memory[: len(known)])
    if len(asked):
        images = replace(images, test=_image_set(listing, asked, rows.in_memory[len(known) :]))
    return images, fingerprint_of(
        manifest_of(
            listing.root,
            (*listing.files, *listing.lists),
            (*(digest for digest, _ in found), *map(read_digest, listing.lists)),
        )
    )


def _image_set(listing: Listing, members: Indices, pixels: Pixels) -> ImageSet:
    parts = listing.parts[members]
    return ImageSet(
        pixels=pixels,
        labels=listing.labels[members],
        class_names=listing.class_names,
        files=tuple(str(listing.files[number].relative_to(listing.root)) for number in members),
        groups=None if listing.groups is None else listing.groups[members],
        validation=np.flatnonzero(parts == VALIDATION) if (parts == VALIDATION).any() else None,
    )


def _refuse(listing: Listing, source: DataSource) -> None:
    """Raises DataError for the first of its problems."""
    for problem in listing_problems(listing, source):
        raise DataError(problem)


def stamp_files(listing: Listing, source: DataSource) -> str:
    """Without reading an image: the same as long as none was written. Raises DataError or OSError."""
    _refuse(listing, source)
    return listing_stamp((*listing.files, *listing.lists))


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
