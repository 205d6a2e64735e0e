"""Trouble of one attempt's folder, or of the disk: the first is that attempt's failure, the second is waited for.

Somebody else's file stands in its place, it belongs to another user, it is immutable: the next attempt has another one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import Failure
from nago_trainer.contract.attempt_files import TASK_FILE


class UnusableFolderError(Exception):
    """This folder alone cannot be used. Its text says why."""


@contextmanager
def one_or_all(folder: Path, content: str) -> Iterator[None]:
    """Raises UnusableFolderError instead of an OSError if the content could be written into a folder beside it."""
    try:
        yield
    except OSError as error:
        if _takes(folder.with_name(f"{folder.name}.probe"), content):
            raise UnusableFolderError(f"cannot use the folder of the attempt: {error.strerror} ({folder})") from error
        raise


def unusable(why: str) -> Observation:
    return Observation(
        phase=Phase.ENDED,
        failure=Failure.INFRASTRUCTURE,
        reason="Unwritable",
        message=why,
        node=os.uname().nodename,
        ended_at=datetime.now(UTC),
    )


def write_whole(path: Path, content: str) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_text(content)
    draft.replace(path)


def _takes(folder: Path, content: str) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / TASK_FILE, content)
    except OSError:
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return True
