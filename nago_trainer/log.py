"""What a trainer says on stderr, which is the log of its attempt. What cannot be written is lost, and nothing else.

The log lies on the disk of the attempt: when that is full, the sentence that says so cannot be written either.
"""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress


def log(line: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"{line}\n")


def log_traceback() -> None:
    """Of the exception that is being handled."""
    with suppress(OSError):
        traceback.print_exc()
