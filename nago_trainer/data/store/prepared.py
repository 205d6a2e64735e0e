"""The images of a study from its prepared store, which is made where there is none. Called by `catalogue`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from nago_trainer.data.images import ImageSet, MemoryRows, PixelRows, RowsOf
from nago_trainer.data.split import Indices
from nago_trainer.data.store.counts import kept_counts
from nago_trainer.data.store.draft import DraftPixels, commit, drafted, preparing, remove_unfinished
from nago_trainer.data.store.opened import open_store
from nago_trainer.data.store.plan import LOCK, StorePlan
from nago_trainer.errors import DataError, UnpreparedError
from nago_trainer.log import log

Reading = Callable[[RowsOf], ImageSet]
"""Reads all images into the place that it is given."""
MembersOf = Callable[[ImageSet], Indices | None]
"""Which images are trained on; None: all."""


class _PreparedMeanwhileError(Exception):
    """By another process."""


def prepared_images(plan: StorePlan, read: Reading, trained_on: MembersOf) -> ImageSet:
    """The same images as `read` gives, whatever the plan. Raises StorageError, DataError, and what `read` raises."""
    if plan.folder is None:
        return read(lambda shape: _fitting(plan, shape))
    try:
        found = _found(plan.folder) or _read_or_prepared(plan, plan.folder, read)
    except UnpreparedError as error:
        if not plan.optional:
            raise
        log(f"{error}; the images are read into memory")
        return read(MemoryRows)
    if found.store is None:
        return found
    if _stored_bytes(found) + _stored_bytes(found.test) <= plan.memory:
        found = replace(_in_memory(found), test=found.test and _in_memory(found.test))
    pixels = found.pixels if found.store is None else found.store
    return replace(found, counts=kept_counts(plan.folder, pixels, trained_on(found)))


def _found(folder: Path) -> ImageSet | None:
    """One that was prepared before."""
    found = open_store(folder)
    if found is not None:
        log(f"prepared images from {folder}: the original files are not looked at")
    return found


def _stored_bytes(images: ImageSet | None) -> int:
    return 0 if images is None or images.store is None else int(np.prod(images.store.shape))


def _in_memory(images: ImageSet) -> ImageSet:
    if images.store is None:
        return images
    return replace(images, pixels=images.store.read(np.arange(images.store.shape[0])), store=None)


def _fitting(plan: StorePlan, shape: tuple[int, ...]) -> PixelRows:
    """Raises DataError where the study allows less memory."""
    needed = int(np.prod(shape))
    if plan.demanded and needed > plan.memory:
        raise DataError(
            f"the pixels take {needed:,} bytes, more than trainer.dataset.memory ({plan.memory:,}), "
            "and there is no place for prepared images",
            do="set trainer.dataset.prepared, or in a cluster execution.kubernetes.prepared",
        )
    return MemoryRows(shape)


def _read_or_prepared(plan: StorePlan, folder: Path, read: Reading) -> ImageSet:
    draft: DraftPixels | None = None
    with ExitStack() as until_prepared:

        def rows_of(shape: tuple[int, ...]) -> PixelRows:
            nonlocal draft
            if not plan.always and int(np.prod(shape)) <= plan.memory:
                return MemoryRows(shape)
            until_prepared.enter_context(_alone(folder))
            if open_store(folder) is not None:
                raise _PreparedMeanwhileError
            log(f"preparing {shape[0]:,} images in {folder}")
            draft = DraftPixels(until_prepared.enter_context(drafted(folder)), shape)
            return draft

        try:
            images = read(rows_of)
        except _PreparedMeanwhileError:
            return _opened(folder)
        if draft is None:
            return images
        commit(images, draft, folder)
    return _opened(folder)


def _opened(folder: Path) -> ImageSet:
    found = open_store(folder)
    if found is None:
        with preparing(folder):
            raise FileNotFoundError(0, "they are gone again")
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits for another process that prepares the same images. Raises StorageError.

    A lock ends with the process that holds it. On a file system without locks two processes may do the same work.
    """
    with preparing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _lock_file(folder.with_name(folder.name + LOCK))
    try:
        if _locked(descriptor):
            remove_unfinished(folder)
        yield
    finally:
        os.close(descriptor)


def _lock_file(file: Path) -> int:
    """Raises OSError. To write, where that is allowed: NFS gives no lock to who only reads."""
    try:
        return os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except PermissionError:  # another user's
        return os.open(file, os.O_RDONLY | os.O_CLOEXEC)


def _locked(descriptor: int) -> bool:
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("another process prepares the images: waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True
