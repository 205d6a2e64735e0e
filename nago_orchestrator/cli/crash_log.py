"""Where the traceback of an unexpected error goes, so that the user sees one sentence."""

from __future__ import annotations

import os
import re
import traceback
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

_OWNER_ALONE = 0o600
_PASSWORDS = (
    re.compile(r"(?<=://)([^\s:/@]*:)\S+(?=@)"),  # of an address
    re.compile(
        r"(?i)(\bpassword\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s&'\",)]+)"
    ),  # of libpq's other form, and of a query
)


def keep_traceback(error: Exception, command: str) -> str | None:
    """Appends it to the log; says where it is, or gives None where no file can be written."""
    folder = Path(platformdirs.user_log_dir("nago"))
    file = folder / "crash.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(file, "a", encoding="utf-8", errors="backslashreplace", opener=_private) as log:
            log.write(f"\n{datetime.now(UTC).isoformat()} {without_passwords(command)}\n")
            log.write(without_passwords("".join(traceback.format_exception(error))))
    except OSError:
        return None
    return f"the traceback is in {file}"


def without_passwords(text: str) -> str:
    """`***` for each password of a database address or of a connection string."""
    for password in _PASSWORDS:
        text = password.sub(r"\1***", text)
    return text


def _private(path: str, flags: int) -> int:
    """The text of an error may quote what a user keeps to themself; a log of before is closed to others too."""
    descriptor = os.open(path, flags, _OWNER_ALONE)
    os.fchmod(descriptor, _OWNER_ALONE)
    return descriptor
