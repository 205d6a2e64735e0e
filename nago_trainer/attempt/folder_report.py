"""Reports of a trial as JSON lines in `report.jsonl`.

Every line is written by one call, so that a process that is killed between two calls leaves whole lines; a machine that
fails in the middle leaves at most a last line that is cut off, which readers skip.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from nago_trainer.contract.attempt_files import REPORT_FILE
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.errors import ReportError


class Report:
    """Appends to one attempt's report; every line carries the attempt's token.

    Raises ReportError where a line cannot be written; nothing of it is left then.
    """

    def __init__(self, folder: Path, token: str) -> None:
        self._path = folder / REPORT_FILE
        self._token = token

    def epoch(self, record: EpochRecord) -> None:
        self._append({"epoch": record.to_json()}, lasting=False)

    def result(self, result: TrialResult) -> None:
        """On the disk when this returns."""
        self._append({"result": result.to_json()}, lasting=True)

    def failure(self, *, kind: str, reason: str, message: str) -> None:
        """`kind` is infeasible or defect, `reason` one word, `message` one sentence. On the disk when this returns."""
        self._append({"failure": {"kind": kind, "reason": reason, "message": message}}, lasting=True)

    def _append(self, content: dict[str, Any], *, lasting: bool) -> None:
        line = json.dumps({"token": self._token, **content}, allow_nan=False) + "\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                _write_whole(descriptor, line.encode("utf-8"))
                if lasting:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise ReportError(f"cannot write the report: {error.strerror}", where=self._path) from error


def _write_whole(descriptor: int, line: bytes) -> None:
    """A disk that fills up takes a part of the line only: that part goes, or the next line would be lost with it."""
    before = os.fstat(descriptor).st_size
    if os.write(descriptor, line) < len(line):
        os.ftruncate(descriptor, before)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
