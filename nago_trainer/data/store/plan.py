"""Whether the images of a study are prepared, and in which folder. Its name follows from all that decides a pixel."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import PIL

from nago_trainer.contract.attempt_files import PREPARED_VARIABLE
from nago_trainer.contract.task import USUAL_IMAGE_MEMORY, DatasetSettings

FORM = "nago-prepared-1"
"""Names the form of a store; raised when the meaning of a byte changes."""
INDEX, PIXELS, LOCK = "index", "pixels", ".lock"
"""Files of a store; the lock lies beside it."""
UNFINISHED = ".draft"
"""Suffix of a folder that is not a store yet, or no longer."""
_OF_NO_PIXEL = ("images", "memory", "own_test", "path", "prepared", "split_seed", "validation_fraction")
"""Settings that decide nothing of a store. All others count, so that a new one never leads to another's pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlan:
    folder: Path | None
    """Of the store, whether there is one or not; None where there is no place for one."""
    always: bool
    """Whether also images are prepared that fit into memory."""
    memory: int
    """Bytes that the pixels may take in memory; more are read while they are needed."""
    demanded: bool
    """Whether the study says so; without a place for a store, that is an error then."""

    @property
    def optional(self) -> bool:
        """Whether the study asks for no store: one that cannot be made is no error then."""
        return not self.always and not self.demanded


def store_plan(settings: DatasetSettings, environment: Mapping[str, str]) -> StorePlan:
    """Of images without a fingerprint nobody knows whether prepared ones are theirs: they have no place."""
    place = settings.prepared or environment.get(PREPARED_VARIABLE)
    return StorePlan(
        folder=Path(place).expanduser() / _name(settings) if place and settings.fingerprint else None,
        always=settings.prepared is not None,
        memory=USUAL_IMAGE_MEMORY if settings.memory is None else settings.memory,
        demanded=settings.memory is not None,
    )


def _name(settings: DatasetSettings) -> str:
    """Another one for another fingerprint, size, rule, version of Pillow or form."""
    known = {key: value for key, value in asdict(settings).items() if key not in _OF_NO_PIXEL}
    digest = hashlib.sha256(json.dumps([FORM, PIL.__version__, known], sort_keys=True).encode()).hexdigest()
    return f"{str(settings.fingerprint)[:12]}-{settings.image_size}-{digest[:16]}"


def store_stamp(plan: StorePlan) -> str:
    """The same as long as the store is: one that is found to be damaged loses its index. Raises OSError."""
    try:
        status = None if plan.folder is None else (plan.folder / INDEX).stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        status = None
    return "" if status is None else f"{status.st_ino} {status.st_mtime_ns}"
