"""What the figures of house-keeping count, on sources made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.house import late_imports, untyped_reads, ways
from benchmarks.repeated_lines import count_repeated_blocks

BLOCK = [f"value_{number} = compute({number})" for number in range(6)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "nago_orchestrator" / "store").mkdir(parents=True)
    return tmp_path


def write(folder: Path, name: str, *lines: str) -> Path:
    file = folder / name
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize(
    ("second", "count"),
    [
        (BLOCK, 1),
        ([f"    {line}  # said" for line in ["", *BLOCK]], 1),
        ([*BLOCK[:3], '"""Prose."""', "import os", "", *BLOCK[3:]], 1),
        ([*BLOCK, *BLOCK], 3),
        (BLOCK[:5], 0),
        ([*BLOCK[:5], "other = 1"], 0),
    ],
)
def test_blocks_that_stand_twice(tmp_path: Path, second: list[str], count: int) -> None:
    indented = second[0].startswith(" ")
    files = [write(tmp_path, "a.py", *BLOCK), write(tmp_path, "b.py", *(["if True:"] if indented else []), *second)]
    assert count_repeated_blocks(files) == count


def test_a_longer_run_is_one_block(tmp_path: Path) -> None:
    longer = [*BLOCK, "and_more = compute(7)", "and_still_more = compute(8)"]
    assert count_repeated_blocks([write(tmp_path, "a.py", *longer), write(tmp_path, "b.py", *longer)]) == 1


def test_imports_inside_functions_and_their_reasons(root: Path) -> None:
    file = write(
        root / "nago_orchestrator",
        "module.py",
        "import os",
        "def late():",
        "    import json  # it is slow",
        "    import re",
        "    x = 1",
        "    import csv",
    )
    found = [(item.place.rpartition(":")[2], item.has_reason) for item in late_imports(file, root)]
    assert found == [("3", True), ("4", True), ("6", False)]


def test_untyped_reads_outside_the_store(root: Path) -> None:
    write(root / "nago_orchestrator", "reader.py", 'a = row["x"] + row["y"]', 'b = arrow["x"]')
    write(root / "nago_orchestrator" / "store", "rows.py", 'a = row["x"]')
    assert untyped_reads(root) == ["nago_orchestrator/reader.py:1"] * 2


def test_ways_are_the_numbered_functions_below_a_heading() -> None:
    page = "# Page\n1. no function\n## A way\n1. `nago_x/a/b.py:go`, then\n2. `nago_x/c.py:Stop.here` reads\n"
    assert ways(page) == {"A way": ["nago_x/a/b.py:go", "nago_x/c.py:Stop.here"]}
