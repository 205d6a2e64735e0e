"""MIT67 (indoor scenes): Images/CLASS/IMAGE, with the official lists TrainImages.txt and TestImages.txt.

Called by `catalogue`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from nago_trainer.contract.data_report import LeftOut
from nago_trainer.contract.error_text import error_text
from nago_trainer.data.folder_scan import EXAMPLES, scan, together
from nago_trainer.data.listing import TEST, TRAINING, Listing
from nago_trainer.data.storage import storage_errors
from nago_trainer.errors import DataError

IMAGES = "Images"
LISTS = (("TrainImages.txt", TRAINING), ("TestImages.txt", TEST))
SOURCE = (
    "extract indoorCVPR_09.tar of https://web.mit.edu/torralba/www/indoor.html "
    "and put TrainImages.txt and TestImages.txt of that page beside its folder Images"
)


def list_mit67(path: Path, *, classes: int = 67) -> Listing:
    """Raises DataError or StorageError."""
    for wanted in (IMAGES, *(name for name, _ in LISTS)):
        if not (path / wanted).exists():
            raise DataError(f"{wanted} of mit67 is missing", where=path, do=SOURCE)
    found = scan(path / IMAGES, root=path)
    listed = {name: dict.fromkeys(_lines(path / name)) for name, _ in LISTS}
    part_of = {line: part for name, part in LISTS for line in listed[name]}
    twice = [line for line, part in part_of.items() if part == TEST and line in listed[LISTS[0][0]]]
    files, labels, parts, unlisted = list[Path](), list[int](), list[int](), list[Path]()
    for label, folder in enumerate(found.classes):
        for file in folder.files:
            part = part_of.pop(f"{folder.name}/{file.name}", None)
            if part is None:
                unlisted.append(file)
                continue
            files.append(file)
            labels.append(label)
            parts.append(part)
    examples = tuple(str(file.relative_to(path)) for file in unlisted[:EXAMPLES])
    left = LeftOut(reason="in neither TrainImages.txt nor TestImages.txt", count=len(unlisted), examples=examples)
    return Listing(
        root=path,
        class_names=tuple(folder.name for folder in found.classes),
        files=tuple(files),
        labels=np.array(labels, dtype=np.int64),
        parts=np.array(parts, dtype=np.int8),
        lists=tuple(path / name for name, _ in LISTS),
        left_out=together((*found.left_out, *([left] if unlisted else []))),
        problems=(*_problems(path, len(found.classes), classes, tuple(part_of)), *_in_both_lists(path, twice)),
    )


def _lines(file: Path) -> list[str]:
    """CLASS/IMAGE each, also where an editor on Windows has written the list. Raises DataError or StorageError."""
    try:
        with storage_errors(file):
            text = file.read_text(encoding="utf-8-sig")
        return [line.strip().replace("\\", "/") for line in text.splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the list: {error}", where=file, do=SOURCE) from error


def _problems(path: Path, found: int, classes: int, missing: tuple[str, ...]) -> Iterator[str]:
    if found != classes:
        yield error_text(f"mit67 has {classes} classes, and there are {found}", where=path / IMAGES, do=SOURCE)
    if missing:
        what = f"{len(missing):,} images of the lists are missing, the first is {missing[0]}"
        yield error_text(what, where=path / IMAGES, do=SOURCE)


def _in_both_lists(path: Path, twice: Sequence[str]) -> Iterator[str]:
    if twice:
        yield error_text(f"{len(twice):,} images are in both lists, the first is {twice[0]}", where=path, do=SOURCE)
