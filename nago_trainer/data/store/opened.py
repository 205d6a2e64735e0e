"""A prepared store, opened: all of its images but their pixels, which are read when they are needed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nago_trainer.data.images import ImageSet
from nago_trainer.data.store.pixels import StoredPart, StoredPixels
from nago_trainer.data.store.plan import INDEX
from nago_trainer.data.store.sealed import Arrays, SealError, read_sealed
from nago_trainer.errors import UnpreparedError
from nago_trainer.log import log

UNEXPECTED = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)
"""What contents that another program has sealed can end in."""


def open_store(folder: Path) -> ImageSet | None:
    """None where there is none, or one that cannot be used, which is logged. Raises UnpreparedError."""
    try:
        return _opened(folder, read_sealed(folder / INDEX))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnpreparedError(f"cannot read the prepared images: {error.strerror}", where=folder) from error
    except UNEXPECTED as error:
        why = error if isinstance(error, SealError) else "not written by this program"
        log(f"prepared images ignored: {why} ({folder})")
        return None


def _opened(folder: Path, index: Arrays) -> ImageSet:
    """Raises OSError, or one of UNEXPECTED for what does not belong together."""
    if index.keys() != {"shape", "counts", "labels", "validation", "groups", "checksums", "text"}:
        raise SealError("not written by this program")
    shape, counts = tuple(index["shape"].tolist()), index["counts"].tolist()
    if {sum(counts), len(index["labels"]), len(index["checksums"])} != {shape[0]}:
        raise SealError("its parts do not belong together")
    text: dict[str, Any] = json.loads(index["text"].tobytes().decode("utf-8", "surrogateescape"))
    whole = StoredPixels(folder, shape, index["checksums"].astype(np.uint32))
    labels, stops = index["labels"].astype(np.int64), np.cumsum(counts).tolist()
    images, *test = (
        ImageSet(
            pixels=np.empty((0, *shape[1:]), dtype=np.uint8),
            store=StoredPart(whole, stop - count, stop),
            labels=labels[stop - count : stop],
            class_names=tuple(text["class_names"]),
            files=None if files is None else tuple(files),
        )
        for count, stop, files in zip(counts, stops, text["files"], strict=True)
    )
    validation = index["validation"].astype(np.int64)
    groups = index["groups"].astype(np.int64)
    return replace(
        images,
        validation=validation if len(validation) else None,
        groups=groups if len(groups) else None,
        test=test[0] if test else None,
    )
