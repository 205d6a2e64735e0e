"""scikit-learn's digits: 1,797 grey images of 8x8 pixels, ten classes.

The file inside scikit-learn is read directly, because importing scikit-learn takes a second and more than
everything else that happens before the first training step. Called by `catalogue`.
"""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from nago_trainer.data.images import DatasetDescription, ImageSet, resize_all
from nago_trainer.errors import DataError

SIZE = 8
BRIGHTEST = 16
CLASS_NAMES = tuple(str(digit) for digit in range(10))


def load_digits(size: int) -> ImageSet:
    """Raises DataError where scikit-learn is not installed or has lost its file."""
    try:
        with gzip.open(_file(), "rt", encoding="ascii") as rows:
            table = np.loadtxt(rows, delimiter=",", dtype=np.float32)
    except OSError as error:
        raise DataError(f"cannot read the dataset digits: {error}", do="reinstall scikit-learn") from error
    images = table[:, :-1].reshape(-1, 1, SIZE, SIZE)
    pixels = np.rint(images * (255 / BRIGHTEST)).astype(np.uint8)
    return ImageSet(pixels=resize_all(pixels, size), labels=table[:, -1].astype(np.int64), class_names=CLASS_NAMES)


def describe_digits() -> DatasetDescription:
    """Raises DataError unless the file is there."""
    if not _file().is_file():
        raise DataError("the installed scikit-learn has no dataset digits", do="reinstall it")
    return DatasetDescription(channels=1, classes=10, images=1797, class_names=CLASS_NAMES, size=SIZE)


def _file() -> Path:
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise DataError(
            "the dataset digits needs the package scikit-learn, which is not installed", do="pip install scikit-learn"
        )
    return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
