"""A claim of nobody, under which no process can begin an attempt any more."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from nago_orchestrator.executors.local.one_folder import write_whole
from nago_trainer.contract.attempt_files import CLAIM_FILE

NOBODY = 2**31 - 1
"""A pid above all that a system gives."""


def claim_for_nobody(folder: Path) -> None:
    """So that a process which the server has yet to fork is refused; nothing happens where one was faster."""
    if not folder.is_dir():
        return
    draft = folder / f"{CLAIM_FILE}.nobody"
    write_whole(draft, json.dumps({"pid": NOBODY, "start_ticks": None}))
    with suppress(FileExistsError):
        os.link(draft, folder / CLAIM_FILE)
    draft.unlink()
