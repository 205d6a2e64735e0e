"""What lies in a folder of images: its classes, and all that is left out, with the reason. No image is opened.

Classes are the folders in the order of their names. Called by the listings of datasets.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from nago_trainer.contract.data_report import HIDDEN, SYSTEM_FOLDER, LeftOut
from nago_trainer.data.storage import storage_errors
from nago_trainer.errors import DataError

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".tif", ".tiff"}
)
ONE_FOLDER_EACH = "give a folder with at least two subfolders, one for the images of each class"
SYSTEM_FOLDERS = frozenset(
    {"__macosx", "@eadir", "#recycle", "$recycle.bin", "lost+found", "system volume information"}
)
"""Made by archives, network storage and file systems; in small letters."""
EXAMPLES = 3
"""Paths that are named for each reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFolder:
    name: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderScan:
    classes: tuple[ClassFolder, ...]
    left_out: tuple[LeftOut, ...]


def scan(path: Path, *, root: Path | None = None) -> FolderScan:
    """`root`: from which the paths of what is left out are told; the folder itself if it is not given.

    Raises DataError where there is no folder that can be read, and StorageError where its storage fails.
    """
    _check_is_folder(path)
    left_out = _LeftOut(root=root or path)
    try:
        with storage_errors(path):
            classes = tuple(
                ClassFolder(name=folder.name, files=_image_files(folder, left_out))
                for folder in _class_folders(path, left_out)
            )
    except OSError as error:
        raise DataError(f"cannot read the folder: {error.strerror}", where=error.filename or path) from error
    return FolderScan(classes=classes, left_out=left_out.in_order())


def files_and_folders(path: Path) -> tuple[list[str], list[str]]:
    """Names of the image files and of the folders directly in a folder. Raises as `scan` does."""
    _check_is_folder(path)
    try:
        with storage_errors(path):
            entries = [entry for entry in sorted(path.iterdir()) if _reason_of_any(entry) is None]
            folders = [entry.name for entry in entries if S_ISDIR(_mode(entry))]
            return [entry.name for entry in entries if _reason_in_class(entry) is None], folders
    except OSError as error:
        raise DataError(f"cannot read the folder: {error.strerror}", where=error.filename or path) from error


def together(left_out: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    """Of several folders, the most frequent reasons first."""
    counts: dict[str, int] = {}
    examples: dict[str, tuple[str, ...]] = {}
    for found in left_out:
        counts[found.reason] = counts.get(found.reason, 0) + found.count
        examples[found.reason] = (*examples.get(found.reason, ()), *found.examples)[:EXAMPLES]
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(LeftOut(reason=reason, count=count, examples=examples[reason]) for reason, count in ordered)


@dataclass(slots=True, kw_only=True)
class _LeftOut:
    root: Path
    found: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, entry: Path) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        examples = self.found.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append(os.fsencode(entry.relative_to(self.root)).decode("utf-8", "replace"))

    def in_order(self) -> tuple[LeftOut, ...]:
        """The most frequent first."""
        ordered = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            LeftOut(reason=reason, count=count, examples=tuple(self.found[reason])) for reason, count in ordered
        )


def _check_is_folder(path: Path) -> None:
    try:
        with storage_errors(path):
            mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("there is no such folder", where=path, do=ONE_FOLDER_EACH) from error
    except OSError as error:
        raise DataError(f"cannot read the folder: {error.strerror}", where=path) from error
    if not S_ISDIR(mode):
        raise DataError("the path of the dataset is a file", where=path, do=ONE_FOLDER_EACH)


def _class_folders(path: Path, left_out: _LeftOut) -> Iterable[Path]:
    for entry in sorted(path.iterdir()):
        reason = _reason_of_any(entry)
        if reason is None and not S_ISDIR(_mode(entry)):
            reason = "file outside the folders of the classes"
        if reason is None:
            yield entry
        else:
            left_out.add(reason, entry)


def _image_files(folder: Path, left_out: _LeftOut) -> tuple[Path, ...]:
    files = []
    for entry in sorted(folder.iterdir()):
        reason = _reason_of_any(entry) or _reason_in_class(entry)
        if reason is None:
            files.append(entry)
        else:
            left_out.add(reason, entry)
    return tuple(files)


def _mode(entry: Path) -> int:
    """0 of a link to nothing. An error of the storage is raised, and not taken for something else than a file."""
    try:
        return entry.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError as error:
        if error.errno == errno.ELOOP:
            return 0
        raise


def _reason_of_any(entry: Path) -> str | None:
    """Why an entry at either level is left out."""
    if entry.name.startswith("."):
        return HIDDEN
    if entry.name.lower() in SYSTEM_FOLDERS:
        return SYSTEM_FOLDER
    if _mode(entry) == 0:
        return "link to nothing"
    return None


def _reason_in_class(entry: Path) -> str | None:
    mode = _mode(entry)
    if S_ISDIR(mode):
        return "folder inside a class"
    if entry.suffix.lower() not in SUFFIXES:
        return f"suffix {os.fsencode(entry.suffix.lower()).decode('utf-8', 'replace')}" if entry.suffix else "no suffix"
    return None if S_ISREG(mode) else "neither file nor folder"
