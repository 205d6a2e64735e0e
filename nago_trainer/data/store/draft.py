"""A prepared store while it is written, in a folder of another name that becomes the store once it is on the disk."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from nago_trainer.data.images import ImageSet, Pixels
from nago_trainer.data.store.opened import open_store
from nago_trainer.data.store.plan import INDEX, PIXELS, UNFINISHED
from nago_trainer.data.store.sealed import write_sealed
from nago_trainer.errors import UnpreparedError
from nago_trainer.whole_file import sync_folder


class DraftPixels:
    """Takes images in any order and from several threads, and keeps none of them in memory."""

    def __init__(self, folder: Path, shape: tuple[int, ...]) -> None:
        """Raises StorageError, at once where there is clearly too little room."""
        self.folder = folder
        self.shape = shape
        self.in_memory: Pixels = np.empty((0, *shape[1:]), dtype=np.uint8)
        self.checksums = np.zeros(shape[0], dtype=np.uint32)
        self._image_bytes = int(np.prod(shape[1:]))
        with preparing(folder):
            self._descriptor = os.open(folder / PIXELS, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            weakref.finalize(self, os.close, self._descriptor)
            self._reserve()

    def put(self, number: int, pixels: Pixels) -> None:
        """Raises StorageError, or ValueError for an image of another shape."""
        if pixels.shape != self.shape[1:] or pixels.dtype != np.uint8:
            raise ValueError(f"expected bytes of shape {self.shape[1:]}, found {pixels.dtype} {pixels.shape}")
        content = np.ascontiguousarray(pixels).reshape(-1).data
        start = number * self._image_bytes
        with preparing(self.folder):
            done = 0
            while done < len(content):
                done += os.pwrite(self._descriptor, content[done:], start + done)
        self.checksums[number] = zlib.crc32(content)

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def _reserve(self) -> None:
        """As far as it costs nothing: not every file system reserves space without writing all of it."""
        needed, found = self.shape[0] * self._image_bytes, os.fstatvfs(self._descriptor)
        os.ftruncate(self._descriptor, needed)
        if found.f_bavail * found.f_frsize < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def drafted(store: Path) -> Iterator[Path]:
    """A new folder beside the store; whatever is left of it afterwards is removed. Raises StorageError."""
    folder = unfinished(store)
    with preparing(store):
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def commit(images: ImageSet, pixels: DraftPixels, store: Path) -> None:
    """The draft becomes the store, unless another process was quicker. Raises StorageError."""
    parts = [images] if images.test is None else [images, images.test]
    text = json.dumps({"class_names": images.class_names, "files": [part.files for part in parts]})
    with preparing(store):
        pixels.sync()
        write_sealed(
            pixels.folder / INDEX,
            {
                "shape": np.asarray(pixels.shape, dtype=np.int64),
                "counts": np.array([len(part.labels) for part in parts]),
                "labels": np.concatenate([part.labels for part in parts]),
                "validation": np.empty(0, np.int64) if images.validation is None else images.validation,
                "groups": np.empty(0, np.int64) if images.groups is None else images.groups,
                "checksums": pixels.checksums,
                "text": np.frombuffer(text.encode("utf-8", "surrogateescape"), dtype=np.uint8),
            },
        )
        if not _became(pixels.folder, store) and open_store(store) is None:
            _move_useless(store)
            _became(pixels.folder, store)
        sync_folder(store.parent)


def unfinished(store: Path) -> Path:
    return store.with_name(f"{store.name}.{secrets.token_hex(8)}{UNFINISHED}")


def remove_unfinished(store: Path) -> None:
    """What processes left that ended in the midst of it; only for who knows that no other is at work."""
    for folder in store.parent.glob(f"{store.name}.*{UNFINISHED}"):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def preparing(store: Path) -> Iterator[None]:
    """Raises UnpreparedError in the place of OSError."""
    try:
        yield
    except OSError as error:
        raise UnpreparedError(
            f"cannot prepare the images: {error.strerror}",
            where=store.parent,
            do="check the free space and the rights, or name another folder",
        ) from error


def _became(draft: Path, store: Path) -> bool:
    """False where there is something already. Raises OSError."""
    try:
        draft.rename(store)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        return False
    return True


def _move_useless(store: Path) -> None:
    """One without an index, or with one that could not be used: else nobody would prepare another.

    Without locks another process may have put a valid one there since it was looked at: that one goes back.
    """
    old = unfinished(store)
    with suppress(FileNotFoundError):
        store.rename(old)
    if open_store(old) is None or not _became(old, store):
        shutil.rmtree(old, ignore_errors=True)
