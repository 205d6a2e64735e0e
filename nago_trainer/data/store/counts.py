"""How often each value occurs in the training images of a store: kept in it, because counting reads all of them."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nago_trainer.data.images import Pixels, PixelStore
from nago_trainer.data.pixel_counts import count_values
from nago_trainer.data.split import Indices
from nago_trainer.data.store.opened import UNEXPECTED
from nago_trainer.data.store.sealed import read_sealed, write_sealed


def kept_counts(folder: Path, pixels: Pixels | PixelStore, members: Indices | None) -> NDArray[np.int64]:
    """As `count_values`. Raises StorageError."""
    chosen = b"all" if members is None else members.astype("<i8").tobytes()
    file = folder / f"counts-{hashlib.sha256(chosen).hexdigest()[:16]}"
    with suppress(OSError, *UNEXPECTED):
        return read_sealed(file)["counts"].astype(np.int64).reshape(pixels.shape[1], 256)
    counts = count_values(pixels, members)
    with suppress(OSError):  # the next trial counts again
        write_sealed(file, {"counts": counts})
    return counts
