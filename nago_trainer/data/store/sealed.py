"""Files with their form and checksum in front, so that one that is damaged or of another version is never used."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from nago_trainer.data.store.plan import FORM
from nago_trainer.whole_file import write_whole

Arrays = dict[str, NDArray[np.generic]]


class SealError(ValueError):
    """Why the file is of no use, in a few words."""


def write_sealed(file: Path, arrays: Arrays) -> None:
    """Whole or not at all. Raises OSError."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    payload = buffer.getbuffer()
    write_whole(file, _header(payload), payload)


def read_sealed(file: Path) -> Arrays:
    """Runs no code from it. Raises SealError or OSError."""
    content = memoryview(file.read_bytes())
    size = len(_header(b""))
    if bytes(content[:size]) != _header(content[size:]):
        raise SealError("damaged, or of another version")
    try:
        with np.load(io.BytesIO(content[size:]), allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, KeyError, EOFError, BadZipFile) as error:
        raise SealError("not written by this program") from error


def _header(payload: bytes | memoryview) -> bytes:
    return f"{FORM}\n{hashlib.sha256(payload).hexdigest()}\n".encode()
