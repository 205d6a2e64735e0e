from __future__ import annotations

import csv
import json
import math
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest

from nago_orchestrator.cli.options import OutputFormat
from nago_orchestrator.cli.output.tables import (
    Column,
    flat,
    print_rows,
    print_table,
    rich_table,
    to_csv,
    to_json,
    to_lines,
)

COLUMNS = (
    Column(key="name", title="name", right=False),
    Column(key="share", title="share", show=lambda value: f"{100 * value:.1f} %"),
)
ROWS: list[dict[str, Any]] = [
    {"name": "a", "share": 0.5, "more": {"x": 1}},
    {"name": "long one", "share": None, "more": {"x": 2}},
]


def test_lines_are_aligned_and_plain() -> None:
    assert to_lines(ROWS, COLUMNS).splitlines() == ["name       share", "a         50.0 %", "long one       -"]


def test_json_keeps_numbers_and_spells_what_json_cannot() -> None:
    row = {"whole": 2**60, "real": 0.1, "nan": math.nan, "worst": math.inf, "no": None, "yes": True}
    assert json.loads(to_json([row])) == [
        {"whole": 2**60, "real": 0.1, "nan": "NaN", "worst": "Infinity", "no": None, "yes": True}
    ]


def test_json_spells_times_with_their_zone() -> None:
    assert json.loads(to_json({"at": datetime(2026, 3, 1, 8, tzinfo=UTC)})) == {"at": "2026-03-01T08:00:00+00:00"}


def test_csv_has_a_header_and_flattens_what_is_nested() -> None:
    lines = list(csv.DictReader(StringIO(to_csv(ROWS, COLUMNS))))
    assert lines == [
        {"name": "a", "share": "0.5", "more.x": "1"},
        {"name": "long one", "share": "", "more.x": "2"},
    ]


def test_csv_quotes_what_needs_it() -> None:
    text = to_csv([{"name": 'he said "a, b"\nand left'}], COLUMNS)
    assert next(csv.DictReader(StringIO(text)))["name"] == 'he said "a, b"\nand left'


def test_csv_holds_every_key_of_any_row() -> None:
    text = to_csv([{"a": 1}, {"b": math.nan}], COLUMNS)
    assert list(csv.DictReader(StringIO(text))) == [{"a": "1", "b": ""}, {"a": "", "b": "NaN"}]


def test_lists_in_csv_are_json() -> None:
    assert flat({"edges": [[0, 1]], "on": True}) == {"edges": "[[0, 1]]", "on": "true"}


@pytest.mark.parametrize(
    ("output", "printed"), [(OutputFormat.TABLE, ""), (OutputFormat.JSON, "[]\n"), (OutputFormat.CSV, "name,share\n")]
)
def test_an_empty_listing_is_valid_and_says_so_on_the_error_stream(
    capsys: pytest.CaptureFixture[str], output: OutputFormat, printed: str
) -> None:
    print_rows([], COLUMNS, output, empty="nothing there")
    assert capsys.readouterr() == (printed, "nothing there\n")


def test_a_rich_table_shows_markup_as_it_is() -> None:
    from rich.console import Console

    console = Console(width=60, record=True, file=StringIO())
    console.print(rich_table([{"name": "[red]x", "share": 0.25}], COLUMNS))
    assert "[red]x" in console.export_text()


def test_a_narrow_terminal_breaks_sentences_and_never_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = (*COLUMNS, Column(key="why", title="why", right=False, folds=True))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)  # the output is captured
    monkeypatch.setenv("COLUMNS", "10")
    print_table([{"name": "a-long-name", "share": 0.123, "why": "a sentence that goes on and on"}], columns)
    lines = capsys.readouterr().out.splitlines()
    assert "a-long-name  12.3 %" in lines[1]
    assert len(lines) == 3
