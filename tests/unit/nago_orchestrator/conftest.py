"""What tests would else wait for: the migrations of a database of their own, and a trainer that looks at digits."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from nago_orchestrator.executors.local import dataset_check


@pytest.fixture
def url(tmp_path: Path, sqlite_template: Path) -> str:
    """A file in the test's folder, with the current schema and no rows."""
    return str(shutil.copy(sqlite_template, tmp_path / "nago.sqlite"))


ask_trainer = dataset_check.ask_trainer
ask_once = cache(ask_trainer)


@pytest.fixture(autouse=True)
def _digits_are_examined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come with a library and never change. Folders are examined whenever a test has it done."""

    def ask(command: Sequence[str], request: str) -> str:
        is_built_in = json.loads(request)["path"] is None
        return ask_once(tuple(command), request) if is_built_in else ask_trainer(command, request)

    monkeypatch.setattr(dataset_check, "ask_trainer", ask)
