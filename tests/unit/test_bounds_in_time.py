"""Bounds in time are arguments: a test gives its own, and none replaces a constant of a module."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
REPLACED = re.compile(r"setattr\([^)]*(SECONDS|TIMEOUT|PAUSE|INTERVAL)\b")


def test_no_test_replaces_a_bound_in_time() -> None:
    replaced = [
        f"{path.relative_to(TESTS)}: {found[0]}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for found in REPLACED.finditer(path.read_text(encoding="utf-8"))
    ]
    assert replaced == []
