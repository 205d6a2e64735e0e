"""Where the traceback of an unexpected error goes, so that the user sees one sentence."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from pathlib import Path

import platformdirs


def keep_traceback(error: Exception, command: str) -> str | None:
    """Appends it to the log; says where it is, or gives None where no file can be written."""
    folder = Path(platformdirs.user_log_dir("nago"))
    file = folder / "crash.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            log.write(f"\n{datetime.now(UTC).isoformat()} {command}\n")
            log.write("".join(traceback.format_exception(error)))
    except OSError:
        return None
    return f"the traceback is in {file}"
