"""One attempt belongs to one process: `claim.json` is made exactly once. Called by `attempt`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from nago_trainer.contract.attempt_files import CLAIM_FILE
from nago_trainer.contract.process_identity import process_start_ticks
from nago_trainer.errors import ClaimedError


def claim(folder: Path) -> None:
    """Writes {"pid", "start_ticks"} of this process. Raises ClaimedError if another process was faster.

    The file is complete from its first moment on: it is written under another name and linked to its own, which fails
    if that exists, as exclusive creation does.
    """
    pid = os.getpid()
    draft = folder / f"{CLAIM_FILE}.{pid}"
    try:
        draft.write_text(json.dumps({"pid": pid, "start_ticks": process_start_ticks(pid)}), encoding="utf-8")
        os.link(draft, folder / CLAIM_FILE)
    except FileExistsError as error:
        raise ClaimedError("another process has claimed the attempt already", where=folder) from error
    finally:
        draft.unlink(missing_ok=True)
