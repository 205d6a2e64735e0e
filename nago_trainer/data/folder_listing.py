"""Any folder of images by class: PATH/CLASS/IMAGE, or PATH/PART/CLASS/IMAGE with the parts train, validation, test.

Which files count says `folder_scan`. Called by `catalogue`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from nago_trainer.contract.data_report import printable
from nago_trainer.contract.error_text import error_text
from nago_trainer.data.folder_scan import ONE_FOLDER_EACH, ClassFolder, files_and_folders, scan, together
from nago_trainer.data.listing import PART_NAMES, TEST, TRAINING, VALIDATION, Listing
from nago_trainer.errors import DataError

PARTS: Mapping[str, int] = {
    **dict.fromkeys(("train", "training"), TRAINING),
    **dict.fromkeys(("val", "valid", "validation"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}
"""By the name of a folder, in small letters."""


def list_folder(path: Path) -> Listing:
    """Raises DataError where there is no folder that can be read, and StorageError where its storage fails."""
    folders = _folders_of_parts(path)
    if folders:
        return list_parts(path, folders)
    found = scan(path)
    return Listing(
        root=path,
        class_names=tuple(folder.name for folder in found.classes),
        files=tuple(file for folder in found.classes for file in folder.files),
        labels=np.repeat(np.arange(len(found.classes)), [len(folder.files) for folder in found.classes]),
        parts=np.full(sum(len(folder.files) for folder in found.classes), TRAINING, dtype=np.int8),
        left_out=found.left_out,
        problems=tuple(_too_few_classes(path, found.classes)),
        hints=tuple(_hints(path, found.classes)),
    )


def list_parts(path: Path, folders: Sequence[tuple[str, int]]) -> Listing:
    """`folders`: the name and the part of each. The classes are those of the training images.

    Raises as `list_folder` does.
    """
    scans = [(name, part, scan(path / name, root=path)) for name, part in folders]
    training = [folder.name for _, part, found in scans if part == TRAINING for folder in found.classes]
    class_names = tuple(sorted(set(training)))
    numbers = {name: number for number, name in enumerate(class_names)}
    files, labels, parts = list[Path](), list[int](), list[int]()
    strange = list[str]()
    for name, part, found in scans:
        for folder in found.classes:
            if folder.name not in numbers:
                what = f"the class {folder.name!r} has {PART_NAMES[part]} images and no folder for training"
                do = "give the folders of a class the same name in every part"
                strange.append(error_text(what, where=path / name, do=do))
                continue
            files += folder.files
            labels += [numbers[folder.name]] * len(folder.files)
            parts += [part] * len(folder.files)
    few = () if len(class_names) > 1 else (_few_classes(len(class_names), path / folders[0][0]),)
    return Listing(
        root=path,
        class_names=class_names,
        files=tuple(files),
        labels=np.array(labels, dtype=np.int64),
        parts=np.array(parts, dtype=np.int8),
        left_out=together(left for _, _, found in scans for left in found.left_out),
        problems=(*few, *_named_twice(path, folders), *strange),
    )


def _folders_of_parts(path: Path) -> list[tuple[str, int]]:
    """Empty unless two are called like parts, and that for training has folders and no images itself.

    Raises DataError for a folder beside them: as classes they have no images, and nobody is to remove test images.
    """
    _, folders = files_and_folders(path)
    parts = [(name, PARTS[name.lower()]) for name in folders if name.lower() in PARTS]
    training = [name for name, part in parts if part == TRAINING]
    if len(parts) < 2 or not training:
        return []
    images, classes = files_and_folders(path / training[0])
    if images or not classes:
        return []
    _refuse_beside_parts(path, [name for name in folders if name.lower() not in PARTS], [name for name, _ in parts])
    return sorted(parts, key=lambda item: item[1])


def _refuse_beside_parts(path: Path, others: Sequence[str], parts: Sequence[str]) -> None:
    if not others:
        return
    beside = f"beside the parts {', '.join(parts[:-1])} and {parts[-1]}"
    if len(others) == 1:
        raise DataError(f"the folder {printable(others[0])} is {beside}", where=path, do="move it out")
    what = f"{len(others):,} folders are {beside}, the first is {printable(others[0])}"
    raise DataError(what, where=path, do="move them out")


def _named_twice(path: Path, folders: Sequence[tuple[str, int]]) -> Iterator[str]:
    for part, title in enumerate(PART_NAMES):
        names = [name for name, found in folders if found == part]
        if len(names) > 1:
            yield error_text(f"{' and '.join(names)} are both for {title}", where=path, do="leave one of them")


def _too_few_classes(path: Path, classes: Sequence[ClassFolder]) -> Iterator[str]:
    if len(classes) < 2:
        yield _few_classes(len(classes), path)


def _few_classes(count: int, path: Path) -> str:
    found = "a single subfolder" if count else "no subfolder"
    return error_text(f"the dataset has {found}", where=path, do=ONE_FOLDER_EACH)


def _hints(path: Path, classes: Sequence[ClassFolder]) -> Iterator[str]:
    if classes and all(folder.name.lower() in PARTS for folder in classes):
        names = " and ".join(folder.name for folder in classes)
        yield error_text(
            f"the classes are called {names}, like parts of a dataset",
            where=path,
            do="give each part a folder for the images of each class",
        )
