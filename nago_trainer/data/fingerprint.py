"""The fingerprint of a folder of images: the same for the same names, sizes and contents, whatever their times.

Beside what is kept of each image lies a manifest for each fingerprint, which tells later what has changed since.
Called by `folder` and `survey`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from nago_trainer.contract.data_report import printable
from nago_trainer.data.kept import read_kept, write_kept

FORM = "1"
NAMED_FILES = 3
"""Of the files that were added, removed or changed."""

Manifest = Mapping[str, str]
"""The digest of a file's contents by its path in the folder, CLASS/IMAGE. The size is part of the contents."""


def manifest_of(root: Path, files: Iterable[Path], digests: Iterable[str]) -> Manifest:
    """A file beside the folder, such as a CSV file with labels, goes by its name."""
    return {_name_in(root, file): digest for file, digest in zip(files, digests, strict=True)}


def _name_in(root: Path, file: Path) -> str:
    return str(file.relative_to(root)) if file.is_relative_to(root) else file.name


def fingerprint_of(manifest: Manifest) -> str:
    whole = hashlib.sha256(FORM.encode())
    for name, digest in sorted(manifest.items()):
        whole.update(b"\0" + os.fsencode(name) + b"\0" + digest.encode())
    return whole.hexdigest()


def listing_stamp(files: Iterable[Path]) -> str:
    """Without reading any file: the same as long as nobody has written to one. Raises OSError."""
    whole = hashlib.sha256()
    for file in files:
        status = file.stat()
        whole.update(b"\0" + os.fsencode(file) + b"\0%d\0%d" % (status.st_size, status.st_mtime_ns))
    return whole.hexdigest()


def keep_manifest(folder: Path, manifest: Manifest, fingerprint: str) -> None:
    """One that is there already is the same. Where it cannot be written, changes are told in general words later."""
    file = _manifest_file(folder, fingerprint)
    if not file.exists():
        write_kept(file, manifest)


def changes_since(folder: Path, before: str, now: Manifest) -> tuple[str, ...]:
    """What was done since the folder had the fingerprint `before`, in a few words each; empty if it is not known."""
    then = read_kept(_manifest_file(folder, before))
    if not isinstance(then, dict) or not _is_of(then, before):
        return ()
    classes_then, classes_now = _classes(then), _classes(now)
    whole = classes_then ^ classes_now
    by_class = (
        *(f"the class {printable(name)!r} was removed" for name in sorted(classes_then - classes_now)),
        *(f"the class {printable(name)!r} was added" for name in sorted(classes_now - classes_then)),
    )
    added = [name for name in now if name not in then and _class(name) not in whole]
    removed = [name for name in then if name not in now and _class(name) not in whole]
    changed = [name for name in now if name in then and now[name] != then[name]]
    by_file = (_listed("added", added), _listed("removed", removed), _listed("changed", changed))
    return (*by_class, *filter(None, by_file))


def _is_of(manifest: Mapping[str, object], fingerprint: str) -> bool:
    digests = {name: digest for name, digest in manifest.items() if isinstance(digest, str)}
    try:
        return len(digests) == len(manifest) and fingerprint_of(digests) == fingerprint
    except UnicodeEncodeError:
        return False


def _manifest_file(folder: Path, fingerprint: str) -> Path:
    return folder / f"{fingerprint}.manifest.json"


def _classes(manifest: Manifest) -> set[str]:
    return {_class(name) for name in manifest} - {""}


def _class(name: str) -> str:
    """The folder of a file. A list beside the classes has none, and is told as a file."""
    return name.rpartition("/")[0]


def _listed(what: str, names: list[str]) -> str | None:
    if not names:
        return None
    shown = ", ".join(printable(name) for name in sorted(names)[:NAMED_FILES])
    more = f" and {len(names) - NAMED_FILES:,} more" if len(names) > NAMED_FILES else ""
    return f"{what}: {shown}{more}"
