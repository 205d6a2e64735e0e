"""A database of a test's own, without the time that its migrations take."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def url(tmp_path: Path, sqlite_template: Path) -> str:
    """A file in the test's folder, with the current schema and no rows."""
    return str(shutil.copy(sqlite_template, tmp_path / "nago.sqlite"))
