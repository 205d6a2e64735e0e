"""Frozen rows of numbers and words in CSV files, one dataclass a file. The benchmarks' and their peers'."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")
_READERS: Mapping[type, Callable[[str], Any]] = {bool: lambda word: word == "1", int: int, float: float, str: str}


def append_rows(rows: Iterable[Row], kind: type[Row], path: Path) -> None:
    """Each is on disk before the next one is made; with a header where the file is new."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(kind)], lineterminator="\n")
        if is_new:
            writer.writeheader()
        for row in rows:
            values = asdict(row).items()
            writer.writerow({name: int(value) if isinstance(value, bool) else value for name, value in values})
            file.flush()


def read_rows(kind: type[Row], path: Path) -> list[Row]:
    readers = {name: _READERS[hint] for name, hint in get_type_hints(kind).items()}
    with path.open(newline="") as file:
        return [kind(**{name: readers[name](word) for name, word in line.items()}) for line in csv.DictReader(file)]
