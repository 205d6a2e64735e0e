"""Files of what was found of images, for the next time. In a cluster every trial can write them.

Whoever reads one gets JSON of any form. Called by `examination` and `fingerprint`.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

LARGEST = 2**28
"""Bytes that are read: a million images. Beyond, all is examined anew."""


def read_kept(file: Path) -> Any:
    """None where there is none, and where it is damaged, too large, or what would never come to its end."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return None
            return json.loads(stream.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return None


def write_kept(file: Path, content: Any) -> None:
    """Whole or not at all; where it cannot be written, there is none."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("x", encoding="utf-8") as stream:
            json.dump(content, stream)
        draft.replace(file)
    except (OSError, UnicodeEncodeError):
        with suppress(OSError):
            draft.unlink(missing_ok=True)
