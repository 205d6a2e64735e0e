"""TIFF files of any type of pixels, also of those that Pillow does not write."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSET, _ROWS, _BYTES, _FORMAT = (
    256,
    257,
    258,
    259,
    262,
    273,
    278,
    279,
    339,
)
_SHORT, _LONG = 3, 4
_FORMATS = {"u": 1, "i": 2, "f": 3}
_HEAD, _ENTRY = 8, 12


def write_tiff(file: Path, pixels: NDArray[Any], *, zero_is_white: bool = False) -> None:
    """Grey, uncompressed, one strip; the type is that of the array."""
    little = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))
    entries = [
        (_WIDTH, _LONG, pixels.shape[1]),
        (_HEIGHT, _LONG, pixels.shape[0]),
        (_BITS, _SHORT, pixels.dtype.itemsize * 8),
        (_COMPRESSION, _SHORT, 1),
        (_PHOTOMETRIC, _SHORT, 0 if zero_is_white else 1),
        (_OFFSET, _LONG, 0),  # filled in below
        (_ROWS, _LONG, pixels.shape[0]),
        (_BYTES, _LONG, little.nbytes),
        (_FORMAT, _SHORT, _FORMATS[pixels.dtype.kind]),
    ]
    begins = _HEAD + 2 + _ENTRY * len(entries) + 4
    directory = b"".join(
        struct.pack("<HHI", tag, kind, 1) + struct.pack("<I", begins if tag == _OFFSET else value)
        for tag, kind, value in entries
    )
    head = b"II*\0" + struct.pack("<IH", _HEAD, len(entries))
    file.write_bytes(head + directory + struct.pack("<I", 0) + little.tobytes())
