from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import nago_trainer
from nago_trainer.attempt.execution import refuse
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.errors import ReportError
from nago_trainer.log import log, log_traceback


@pytest.fixture
def _full(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    stream = open("/dev/full", "w", buffering=1)  # noqa: SIM115  # closed below, where that may fail
    monkeypatch.setattr(sys, "stderr", stream)
    yield
    with suppress(OSError):
        stream.close()


@pytest.mark.usefixtures("_full")
def test_what_a_full_disk_does_not_take_is_lost_and_nothing_else() -> None:
    log("a line")
    log_traceback()
    assert refuse(ReportError("cannot write the report")) == ExitCode.UNWRITABLE


def test_nothing_else_of_the_trainer_writes_to_stderr() -> None:
    root = Path(nago_trainer.__file__).parent
    others = [path for path in root.rglob("*.py") if path.name != "log.py"]
    told = ("sys.stderr.write", "print_exc", "file=sys.stderr")
    assert [str(path) for path in others if any(words in path.read_text(encoding="utf-8") for words in told)] == []
