"""Rows of plain values as a table, JSON or CSV; every listing of the command line prints through here.

JSON and CSV carry every key of a row; a table shows the columns chosen for reading. Numbers stay numbers; what JSON
has no number for is the string "NaN", "Infinity" or "-Infinity", in CSV the same words; null (empty in CSV) means
that there is no value.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from io import StringIO
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nago_orchestrator.cli.options import OutputFormat
from nago_orchestrator.cli.output.former_names import with_former_names
from nago_orchestrator.cli.output.say import say, say_fact
from nago_orchestrator.formatting.visible import visible_line
from nago_trainer.contract.json_form import encode_number

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = Mapping[str, Any]
Printable: TypeAlias = "Row | DataclassInstance"
"""A row of the command's own making, or one of `domain.rows`: its fields are the keys, in their order."""
_GAP = 2
_SENTENCE = 20
"""Characters that a sentence needs in a line to stay readable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    key: str
    title: str
    show: Callable[[Any], str] = str
    """The value as text; never called with None."""
    right: bool = True
    """Numbers stand to the right, names to the left."""
    folds: bool = False
    """A sentence, which a terminal shows on several lines where it is too long for one."""

    def text(self, row: Printable) -> str:
        value = value_of(row, self.key)
        return "-" if value is None else visible_line(self.show(value))


def as_mapping(row: Printable) -> Row:
    """The row by its keys, former ones included; what is in it stays as it is."""
    return row if isinstance(row, Mapping) else with_former_names(_fields(row))


def _fields(row: DataclassInstance) -> Row:
    return {field.name: getattr(row, field.name) for field in fields(row)}


def without(row: Printable, *keys: str) -> Row:
    return {key: value for key, value in as_mapping(row).items() if key not in keys}


def value_of(row: Printable, key: str) -> Any:
    return row.get(key) if isinstance(row, Mapping) else getattr(row, key, None)


def plain(value: Any) -> Any:
    """The value in JSON's own kinds."""
    if isinstance(value, float):
        return encode_number(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return plain(as_mapping(value))
    return value


def to_json(value: Any) -> str:
    return json.dumps(plain(value), indent=2, ensure_ascii=False, default=str)


def flat(row: Row, prefix: str = "") -> dict[str, Any]:
    """One level of keys: `{"theta": {"top_k": 2}}` becomes `{"theta.top_k": 2}`; a list becomes its JSON."""
    cells: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping) and value:
            cells.update(flat(value, f"{prefix}{key}."))
        else:
            item = plain(value)
            cells[f"{prefix}{key}"] = json.dumps(item) if isinstance(item, (list, dict, bool)) else item
    return cells


def to_csv(rows: Iterable[Printable], columns: Sequence[Column]) -> str:
    """A header and one line for each row; without rows, the header of the table's columns."""
    cells = [flat(as_mapping(row)) for row in rows]
    names = list(dict.fromkeys(name for row in cells for name in row)) or [column.key for column in columns]
    text = StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return text.getvalue().removesuffix("\n")


def to_lines(rows: Sequence[Printable], columns: Sequence[Column]) -> str:
    """An aligned table without colour or frame: what a pipe gets."""
    texts = [[column.title for column in columns], *([column.text(row) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in texts) for index in range(len(columns))]
    return "\n".join(_line(line, widths, columns) for line in texts)


def _line(cells: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    padded = (
        cell.rjust(width) if column.right else cell.ljust(width)
        for cell, width, column in zip(cells, widths, columns, strict=True)
    )
    return "  ".join(padded).rstrip()


def print_rows(rows: Sequence[Printable], columns: Sequence[Column], output: OutputFormat, *, empty: str) -> None:
    """Prints a listing; `empty` is the sentence that goes to the error stream where there is nothing to list."""
    if not rows:
        say(empty, err=True)
    if output is OutputFormat.JSON:
        say(to_json(rows))
    elif output is OutputFormat.CSV:
        say(to_csv(rows, columns))
    elif rows:
        print_table(rows, columns)


def print_table(rows: Sequence[Printable], columns: Sequence[Column]) -> None:
    """Columns without any value are left out."""
    columns = [column for column in columns if any(value_of(row, column.key) is not None for row in rows)]
    if not sys.stdout.isatty():
        say(to_lines(rows, columns))
        return

    console = Console()
    # A terminal that is too narrow breaks the lines itself: better than figures in columns of two letters.
    console.width = max(console.width, _least_width(rows, columns))
    console.print(rich_table(rows, columns))


def _least_width(rows: Sequence[Printable], columns: Sequence[Column]) -> int:
    widths = (max(len(column.title), *(len(column.text(row)) for row in rows)) for column in columns)
    return sum(
        _GAP + (min(width, _SENTENCE) if column.folds else width) for width, column in zip(widths, columns, strict=True)
    )


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Label and value, one a line."""
    width = max((len(label) for label, _ in facts), default=0)
    for label, value in facts:
        say_fact(label.ljust(width), value)


def rich_table(rows: Sequence[Printable], columns: Sequence[Column]) -> Any:
    """The same as a `rich.table.Table`."""
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="fold" if column.folds else "ellipsis",
        )
    for row in rows:
        table.add_row(*(Text(column.text(row), style=_style(row, column)) for column in columns))
    return table


_STATE_STYLES = {
    "running": "cyan",
    "succeeded": "green",
    "completed": "green",
    "failed": "red",
    "infeasible": "yellow",
    "paused": "yellow",
    "cancelled": "dim",
}


def _style(row: Printable, column: Column) -> str:
    return _STATE_STYLES.get(str(value_of(row, "state")), "") if column.key == "state" else ""
