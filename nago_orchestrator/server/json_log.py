"""What the parts say by Python's logging, as lines of the serving process's JSON log."""

from __future__ import annotations

import logging
from collections.abc import Callable

ABOUT = ("study", "trial", "attempt")
"""Attributes of a record that become fields of its line; given by `extra`."""


class LineHandler(logging.Handler):
    """`write` gets the fields of each line."""

    def __init__(self, write: Callable[[dict[str, object]], None]) -> None:
        super().__init__(logging.INFO)
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        about = {name: getattr(record, name) for name in ABOUT if getattr(record, name, None) is not None}
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}: {record.exc_info[1]!r}"
        self._write({"level": record.levelname.lower(), "event": "log", "message": message, **about})
