"""What the commands for saved networks print: any text on any stream, to a reader who may go away. Needs no torch."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import TextIO

from nago_trainer.errors import ReportError

READER_GONE = 128 + 13
"""Exit code as of a program that SIGPIPE ended: `nago-train predict ... | head`."""


def printed(command: Callable[[], int]) -> int:
    """Its exit code, once all of its output is written. Raises ReportError where it cannot be, e.g. on a full disk.

    A character that the stream's encoding lacks, as in a name of a file that is no UTF-8, is written as its escape.
    """
    if sys.stdout is None:  # closed (`>&-`): nobody wants the output
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the process ends
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_the_rest()
        return READER_GONE
    except OSError as error:
        if error.filename is not None:  # of another file
            raise
        _discard_the_rest()
        raise ReportError(f"cannot write the output: {error.strerror}") from error
    return code


def _discard_the_rest() -> None:
    """Else Python tries to write it once more when the process ends, and complains."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def json_text(value: object, stream: TextIO, indent: int | None = None) -> str:
    """In its own letters; where the stream has not all of them, in JSON's escapes."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent)
    return text
