"""Image files, each read and decoded once: what they are, or why they cannot be read.

What was found is kept in a file by size and time of change, so that a file that stayed the same is never read again.
The file is the caller's, never one among the images. Called by `survey`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import PIL

from nago_trainer.contract.task import IMAGE_RULES
from nago_trainer.data.duplicates import SIDE, difference_hash
from nago_trainer.data.folder import in_parallel
from nago_trainer.data.kept import read_kept, write_kept
from nago_trainer.data.picture import content_digest, read_picture
from nago_trainer.data.storage import storage_errors
from nago_trainer.errors import DataError

_FORM = [2, IMAGE_RULES, PIL.__version__]
"""What is kept of other rules or another Pillow may no longer be true."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LOOK = re.compile(r"[0-9a-f]{32}")
_LARGEST_COUNT = 2**53
_RACY_SECONDS = 2.0
"""A file that changed just now may change again without a new time: clocks of file systems are that coarse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    size: int
    """Bytes."""
    digest: str
    """Of its contents; empty where they cannot be read."""
    grey: bool = False
    width: int = 0
    height: int = 0
    peak: int | None = None
    """Largest value of pixels of 16 bits."""
    look: str | None = None
    """Hash of what it looks like (`duplicates`); None of an image without contrast."""
    broken: str | None = None
    """Why it cannot be decoded, in one sentence that names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How images are looked at."""

    anew: bool = False
    """What was kept of them is not read, and is replaced."""
    threads: int | None = None
    """That decode; None: one for each CPU."""


DECODED_ONCE = Manner()


def examine_all(files: Sequence[Path], kept: Path | None, manner: Manner = DECODED_ONCE) -> list[Examined]:
    """In the order of the files. Raises StorageError.

    `kept`: the file with what earlier calls found; none is read or written without it.
    """
    known = {} if manner.anew else _read_known(kept)
    found = in_parallel(lambda file: _examine(file, known), files, manner.threads)
    if kept is not None:
        stamps = {str(file): stamp for file, (stamp, _) in zip(files, found, strict=True) if stamp}
        write_kept(kept, {"form": _FORM, "files": stamps})
    return [examined for _, examined in found]


def _examine(file: Path, known: dict[str, Any]) -> tuple[dict[str, Any] | None, Examined]:
    """What is to be kept of it, if anything; and what it is."""
    try:
        with storage_errors(file):
            before = file.stat()
    except OSError as error:
        return None, Examined(size=0, digest="", broken=f"cannot read the image: {error.strerror} ({file})")
    stamp = known.get(str(file))
    if stamp is not None and (stamp["size"], stamp["mtime_ns"]) == (before.st_size, before.st_mtime_ns):
        return stamp, Examined(**{key: value for key, value in stamp.items() if key != "mtime_ns"})
    examined = _decode(file, before.st_size)
    settled = time.time() - before.st_mtime > _RACY_SECONDS
    is_kept = settled and examined.broken is None  # why one is broken may have been the moment's
    return ({**asdict(examined), "mtime_ns": before.st_mtime_ns} if is_kept else None), examined


def _decode(file: Path, size: int) -> Examined:
    try:
        picture = read_picture(file, size=SIDE, channels=3, rules=IMAGE_RULES)
    except DataError as error:
        digest = ""
        with suppress(OSError), storage_errors(file):
            digest = content_digest(file.read_bytes())
        return Examined(size=size, digest=digest, broken=str(error))
    header = picture.header
    return Examined(
        size=size,
        digest=picture.digest,
        grey=header.grey,
        width=header.width,
        height=header.height,
        peak=picture.peak,
        look=difference_hash(picture.pixels),
    )


def _read_known(kept: Path | None) -> dict[str, Any]:
    """Nothing where there is none, and where it is damaged: then all is examined anew."""
    content = None if kept is None else read_kept(kept)
    if not isinstance(content, dict) or content.get("form") != _FORM or not isinstance(content.get("files"), dict):
        return {}
    return {name: entry for name, entry in content["files"].items() if isinstance(entry, dict) and _fits(entry)}


def _fits(entry: dict[str, Any]) -> bool:
    if entry.keys() != {*Examined.__dataclass_fields__, "mtime_ns"} or entry["broken"] is not None:
        return False
    counts = [entry["width"], entry["height"], *([] if entry["peak"] is None else [entry["peak"]])]
    if not all(type(count) is int and 0 <= count <= _LARGEST_COUNT for count in counts):
        return False
    look = entry["look"]
    if look is not None and (not isinstance(look, str) or not _LOOK.fullmatch(look)):
        return False
    # Size and time are compared with those of the file.
    return type(entry["grey"]) is bool and isinstance(entry["digest"], str) and bool(_DIGEST.fullmatch(entry["digest"]))
