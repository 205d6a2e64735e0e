"""FLOWERS102: jpg/image_NNNNN.jpg, with the official imagelabels.mat and setid.mat. Called by `catalogue`.

The parts are the official ones: `trnid` for training, `valid` for validation, `tstid` for testing.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from nago_trainer.contract.error_text import error_text
from nago_trainer.data.folder_scan import scan
from nago_trainer.data.listing import TEST, TRAINING, VALIDATION, Listing
from nago_trainer.data.split import Indices
from nago_trainer.data.storage import storage_errors
from nago_trainer.errors import DataError, StorageError

FOLDER = "flowers-102"
"""In which torchvision has it."""
IMAGES, LABELS, SPLIT = "jpg", "imagelabels.mat", "setid.mat"
PARTS = (("trnid", TRAINING), ("valid", VALIDATION), ("tstid", TEST))
SOURCE = (
    "extract 102flowers.tgz of https://www.robots.ox.ac.uk/~vgg/data/flowers/102/ "
    "and put imagelabels.mat and setid.mat of that page beside its folder jpg"
)


def list_flowers102(path: Path, *, classes: int = 102) -> Listing:
    """The classes are numbers, as in `imagelabels.mat`. Raises DataError or StorageError."""
    root = path / FOLDER if (path / FOLDER).is_dir() else path
    for wanted in (IMAGES, LABELS, SPLIT):
        if not (root / wanted).exists():
            raise DataError(f"{wanted} of flowers102 is missing", where=root, do=SOURCE)
    labels = _row(root / LABELS, _matrices(root / LABELS), "labels") - 1
    split = _matrices(root / SPLIT)
    numbers = {part: _row(root / SPLIT, split, key) for key, part in PARTS}
    order = np.concatenate([numbers[part] for _, part in PARTS])
    found = len(np.unique(labels))
    if found != classes or labels.min() != 0 or labels.max() != classes - 1:
        raise DataError(f"flowers102 has {classes} classes, and there are {found}", where=root / LABELS, do=SOURCE)
    if len(np.unique(order)) < len(order) or order.min() < 1 or order.max() > len(labels):
        raise DataError("the split has an image twice, or one without a label", where=root / SPLIT, do=SOURCE)
    files = tuple(root / IMAGES / f"image_{number:05d}.jpg" for number in order.tolist())
    present = {file.name for folder in scan(root).classes if folder.name == IMAGES for file in folder.files}
    missing = [file.name for file in files if file.name not in present]
    what = f"{len(missing):,} images of flowers102 are missing, the first is {missing[0] if missing else None}"
    return Listing(
        root=root,
        class_names=tuple(str(number + 1) for number in range(classes)),
        files=tuple(file for file in files if file.name in present),
        labels=labels[order - 1][[file.name in present for file in files]],
        parts=np.repeat([part for _, part in PARTS], [len(numbers[part]) for _, part in PARTS]).astype(np.int8)[
            [file.name in present for file in files]
        ],
        lists=(root / LABELS, root / SPLIT),
        problems=(error_text(what, where=root / IMAGES, do=SOURCE),) if missing else (),
    )


def _matrices(file: Path) -> Mapping[str, Any]:
    """Raises DataError or StorageError."""
    try:
        reader = import_module("scipy.io")  # only here: it takes longer than all else before the first image
    except ModuleNotFoundError as error:
        raise DataError("flowers102 needs the package scipy, which is not installed", do="pip install scipy") from error
    try:
        with storage_errors(file):
            matrices: Mapping[str, Any] = reader.loadmat(str(file))
            return matrices
    except StorageError:
        raise
    except Exception as error:  # scipy raises whatever a damaged file leads it to
        raise DataError(f"cannot read the file: {error}", where=file, do=SOURCE) from error


def _row(file: Path, matrices: Mapping[str, Any], key: str) -> Indices:
    """Raises DataError."""
    found = matrices.get(key)
    if not isinstance(found, np.ndarray) or found.size == 0 or not np.issubdtype(found.dtype, np.integer):
        raise DataError(f"the file has no row of integers {key!r}", where=file, do=SOURCE)
    return found.reshape(-1).astype(np.int64)
