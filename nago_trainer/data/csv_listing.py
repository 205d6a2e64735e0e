"""A folder of images whose classes are in a CSV file: `file,label` and, where they are wanted, `split` and `group`.

Called by `catalogue`.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from stat import S_ISREG

import numpy as np

from nago_trainer.contract.data_report import LeftOut
from nago_trainer.contract.error_text import error_text
from nago_trainer.data.folder_listing import PARTS
from nago_trainer.data.folder_scan import EXAMPLES, SUFFIXES, files_and_folders
from nago_trainer.data.listing import PART_NAMES, TRAINING, Listing
from nago_trainer.data.storage import storage_errors
from nago_trainer.errors import DataError

COLUMNS = ("file", "label", "split", "group")
NEEDED = COLUMNS[:2]
NAMED_PROBLEMS = 20
"""The others are counted."""
SPLITS = "train, validation or test"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    line: int
    file: str
    label: str
    split: str
    group: str


def list_csv(path: Path, table: Path) -> Listing:
    """`path`: the folder below which the files are. Raises DataError where nothing can be read, and StorageError."""
    files_and_folders(path)  # refuses what is no folder
    rows, unused = _rows(table)
    problems, good = list[str](), list[_Row]()
    seen: dict[str, int] = {}
    for row in rows:
        problem = _problem(row, path, seen)
        seen.setdefault(row.file, row.line)
        if problem is None:
            good.append(row)
        else:
            problems.append(error_text(problem, where=f"{table}, line {row.line}"))
    problems += _groups_on_two_sides(good, table)
    good.sort(key=lambda row: row.file)
    names = tuple(sorted({row.label for row in good}))
    if len(names) < 2 and not problems:
        problems.append(error_text("the labels are of a single class", where=table, do="give images of two classes"))
    numbers = {name: number for number, name in enumerate(names)}
    return Listing(
        root=path,
        class_names=names,
        files=tuple(path / row.file for row in good),
        labels=np.array([numbers[row.label] for row in good], dtype=np.int64),
        parts=np.array([_part(row) for row in good], dtype=np.int8),
        groups=_group_numbers(good),
        lists=(table,),
        left_out=_not_listed(path, seen, table),
        problems=_first(problems),
        hints=_hints(unused, table),
    )


def _rows(table: Path) -> tuple[list[_Row], list[str]]:
    """And the columns that mean nothing here. Raises DataError or StorageError."""
    try:
        with storage_errors(table):
            text = table.read_bytes().decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header, table)
        places = {name: header.index(name) for name in COLUMNS if name in header}
        rows = [_row(reader.line_num, fields, places) for fields in reader if any(field.strip() for field in fields)]
    except UnicodeDecodeError as error:
        raise DataError("the CSV file is not UTF-8", where=table, do="save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"cannot read the CSV file: {error}", where=table) from error
    except OSError as error:
        raise DataError(f"cannot read the CSV file: {error.strerror}", where=table) from error
    if not rows:
        raise DataError("the CSV file has no images", where=table, do="give a line for each image")
    return rows, [name for name in header if name not in COLUMNS]


def _check_header(header: Sequence[str], table: Path) -> None:
    if not header:
        raise DataError("the CSV file is empty", where=table, do="begin it with the line file,label")
    missing = [name for name in NEEDED if name not in header]
    if missing:
        do = "begin it with the line file,label or file,label,split,group, with commas between the columns"
        raise DataError(f"the CSV file has no column {missing[0]}", where=table, do=do)
    twice = [name for name in COLUMNS if header.count(name) > 1]
    if twice:
        raise DataError(f"the CSV file has two columns {twice[0]}", where=table, do="leave one of them")


def _row(line: int, fields: Sequence[str], places: Mapping[str, int]) -> _Row:
    found = {name: fields[place].strip() if place < len(fields) else "" for name, place in places.items()}
    file = found["file"]
    plain = str(PurePosixPath(file)) if file else ""
    return _Row(line=line, file=plain, label=found["label"], split=found.get("split", ""), group=found.get("group", ""))


def _problem(row: _Row, path: Path, seen: Mapping[str, int]) -> str | None:
    relative = PurePosixPath(row.file)
    if not row.file:
        return "no file is named"
    if relative.is_absolute() or ".." in relative.parts or "\0" in row.file:
        return f"the path {row.file!r} leads out of the folder: give it relative to {path}"
    if row.file in seen:
        return f"the file {row.file} is named twice, first in line {seen[row.file]}"
    if not row.label:
        return f"the file {row.file} has no label"
    if row.split and row.split.lower() not in PARTS:
        return f"the split {row.split!r} is none of {SPLITS}"
    return _unreadable(row.file, path)


def _unreadable(name: str, path: Path) -> str | None:
    """Raises StorageError."""
    file = path / name
    try:
        with storage_errors(file):
            is_file = S_ISREG(file.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, UnicodeEncodeError):
        is_file = False
    except OSError as error:
        return f"cannot read the file {name}: {error.strerror}"
    return None if is_file else f"there is no file {name} in {path}"


def _part(row: _Row) -> int:
    """Training, where the split is empty: if validation has no images at all, a part of these is taken for it."""
    return PARTS.get(row.split.lower(), TRAINING)


def _groups_on_two_sides(rows: Sequence[_Row], table: Path) -> Iterator[str]:
    first: dict[str, _Row] = {}
    told = set[str]()
    for row in rows:
        before = first.setdefault(row.group, row)
        if row.group and row.group not in told and _part(row) != _part(before):
            told.add(row.group)
            parts = f"{PART_NAMES[_part(before)]} (line {before.line}) and {PART_NAMES[_part(row)]} (line {row.line})"
            yield error_text(f"the group {row.group!r} has images for {parts}", where=table, do="give them one split")


def _group_numbers(rows: Sequence[_Row]) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    """An image without a group is one by itself."""
    if not any(row.group for row in rows):
        return None
    numbers: dict[tuple[str, str], int] = {}
    keys = [(row.group, "" if row.group else row.file) for row in rows]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _not_listed(path: Path, listed: Mapping[str, int], table: Path) -> tuple[LeftOut, ...]:
    count, examples = 0, list[str]()
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            if Path(name).suffix.lower() not in SUFFIXES or name.startswith("."):
                continue
            file = (Path(folder) / name).relative_to(path).as_posix()
            if file not in listed:
                count += 1
                examples += [os.fsencode(file).decode("utf-8", "replace")] if len(examples) < EXAMPLES else []
    return (LeftOut(reason=f"not in {table.name}", count=count, examples=tuple(examples)),) if count else ()


def _first(problems: Sequence[str]) -> tuple[str, ...]:
    more = len(problems) - NAMED_PROBLEMS
    return (*problems[:NAMED_PROBLEMS], *([f"{more:,} more lines of the CSV file are wrong"] if more > 0 else []))


def _hints(unused: Sequence[str], table: Path) -> tuple[str, ...]:
    if not unused:
        return ()
    return (error_text(f"columns without a meaning here: {', '.join(unused)}", where=table),)
