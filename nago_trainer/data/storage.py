"""Which errors of reading say something about the images, and which about the storage that they lie on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nago_trainer.errors import StorageError

OF_THE_IMAGES = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EACCES,
        errno.EPERM,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
    }
)
"""What is missing, is another thing or may not be read, and is so the next time too."""


@contextmanager
def storage_errors(place: Path) -> Iterator[None]:
    """Raises StorageError where the storage has failed, as in EIO, ESTALE or ETIMEDOUT; other errors stay.

    Nothing follows for the images: the next moment they may be there as they were.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or error.errno in OF_THE_IMAGES:  # without a number it is not the system's
            raise
        raise StorageError(f"cannot read the images: {error.strerror}", where=error.filename or place) from error
