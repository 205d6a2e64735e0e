"""The pixels of a prepared store, read image by image.

The file is not mapped into memory: a map of a file whose storage fails ends the process by SIGBUS, and its pages count
as the process's. Reads leave them to the system's cache, which all trials of a machine share, and their errors can be
told. Threads and forked processes may read at the same time.
"""

from __future__ import annotations

import os
import weakref
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nago_trainer.data.images import Pixels
from nago_trainer.data.store.plan import INDEX, PIXELS
from nago_trainer.data.store.sealed import SealError
from nago_trainer.errors import StorageError

Checksums = NDArray[np.uint32]


class StoredPixels:
    """Images [N, C, S, S] of bytes that lie in a file."""

    def __init__(self, folder: Path, shape: tuple[int, ...], checksums: Checksums) -> None:
        """Raises OSError, or SealError for a file of another size."""
        self.folder = folder
        self.shape = shape
        self._checksums = checksums
        self._checked = np.zeros(len(checksums), dtype=bool)
        """Images whose bytes were compared with their checksum, at their first reading in this process."""
        self._descriptor = os.open(folder / PIXELS, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._descriptor)
        if os.fstat(self._descriptor).st_size != self.nbytes:
            raise SealError("the file of the pixels has another size than its index says")

    @property
    def image_bytes(self) -> int:
        return int(np.prod(self.shape[1:]))

    @property
    def nbytes(self) -> int:
        return self.shape[0] * self.image_bytes

    def read(self, numbers: NDArray[np.int64]) -> Pixels:
        """A copy of these images, in this order. Raises StorageError, also for a damaged one."""
        images = np.empty((len(numbers), *self.shape[1:]), dtype=np.uint8)
        for image, number in zip(images, numbers.tolist(), strict=True):
            self._fill(image, number)
        return images

    def _fill(self, image: Pixels, number: int) -> None:
        row, start, done = image.reshape(-1).data, number * self.image_bytes, 0
        while done < self.image_bytes:
            try:
                count = os.preadv(self._descriptor, [row[done:]], start + done)
            except OSError as error:
                raise StorageError(f"cannot read the prepared images: {error.strerror}", where=self.folder) from error
            if count == 0:
                raise self._damaged()
            done += count
        if not self._checked[number]:
            if zlib.crc32(row) != self._checksums[number]:
                raise self._damaged()
            self._checked[number] = True

    def _damaged(self) -> StorageError:
        """No trial opens the store again."""
        with suppress(OSError):
            (self.folder / INDEX).unlink(missing_ok=True)
        removed = not (self.folder / INDEX).exists()
        remedy = "the next attempt prepares them anew" if removed else "remove this folder"
        return StorageError("the prepared images are damaged", where=self.folder, do=remedy)


class StoredPart:
    """Some of the images of a store, one after the other."""

    def __init__(self, whole: StoredPixels, start: int, stop: int) -> None:
        self.shape = (stop - start, *whole.shape[1:])
        self._whole, self._start = whole, start

    def read(self, numbers: NDArray[np.int64]) -> Pixels:
        """A copy of these images, in this order. Raises StorageError, also for a damaged one."""
        return self._whole.read(numbers + self._start)
