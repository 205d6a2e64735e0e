"""One attempt belongs to one process: `claim.json` is made exactly once. Called by `attempt`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from nago_trainer.contract.attempt_files import CLAIM_FILE
from nago_trainer.errors import ClaimedError


def claim(folder: Path) -> None:
    """Writes {"pid", "start_ticks"} of this process. Raises ClaimedError if somebody was faster.

    The file is complete from its first moment on: it is written under another name and linked to its own, which fails
    if that exists, as exclusive creation does.
    """
    draft = folder / f"{CLAIM_FILE}.{os.getpid()}"
    draft.write_text(json.dumps({"pid": os.getpid(), "start_ticks": start_ticks(os.getpid())}), encoding="utf-8")
    try:
        os.link(draft, folder / CLAIM_FILE)
    except FileExistsError as error:
        raise ClaimedError(f"another process has already claimed {folder}") from error
    finally:
        draft.unlink()


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot: with it, a pid that was given again is recognised.

    None where there is no /proc. Field 22 of proc_pid_stat(5); the second field may hold blanks and brackets itself.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])
