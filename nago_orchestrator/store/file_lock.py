"""The lock file beside an SQLite database: it goes with the process that holds it, and stays while that is frozen."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nago_orchestrator.errors import DatabaseError, ReplacedError

_TRIES = 5
_PAUSE_SECONDS = 0.02


class LockedByAnotherError(Exception):
    """`holder` says in its own words who has it."""

    def __init__(self, holder: str | None) -> None:
        self.holder = holder
        super().__init__(holder)


class FileLock:
    def __init__(self, path: Path, descriptor: int, database: Path) -> None:
        self._path, self._descriptor = path, descriptor
        self._database, self._identity = database, _identity(database)

    def still_held(self) -> bool:
        """Raises ReplacedError once the open connections write into a database that nobody finds any more."""
        if _identity(self._database) != self._identity:
            raise ReplacedError(
                "the database was deleted, moved or replaced while the study ran",
                where=self._database,
                do="put it back and resume",
            )
        return _is_same_file(self._path, self._descriptor)


def lock_file(database: Path, study_id: int) -> Path:
    return database.with_name(f"{database.name}.study-{study_id}.lock")


@contextmanager
def locked(database: Path, study_id: int, holder: str) -> Iterator[FileLock]:
    """Raises LockedByAnotherError while another process has the lock."""
    path = lock_file(database, study_id)
    _refuse_second_name(database)
    with _writing_lock(path):
        descriptor = _lock(path)
    if descriptor is None:
        raise LockedByAnotherError(file_holder(path))
    try:
        with _writing_lock(path):
            os.write(descriptor, f"{holder}\n".encode())
        yield FileLock(path, descriptor, database)
    finally:
        # Unlinked while still locked: who opens the path afterwards gets a new file, who had it open looks again.
        if _is_same_file(path, descriptor):
            path.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def _writing_lock(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseError(f"the lock file cannot be written: {error.strerror}", where=path) from error


def _refuse_second_name(database: Path) -> None:
    """Locks lie beside a name: by two names of one file two processes would run one study."""
    try:
        names = database.stat().st_nlink
    except OSError:
        return  # whoever opens it says why
    if names > 1:
        raise DatabaseError(
            f"the database file has {names} hard links",
            where=database,
            do="stop everything that uses it, copy it to a new file and use that one",
        )


def _lock(path: Path) -> int | None:
    """The locked, empty file's descriptor; None while another process has it locked.

    A few tries: a process that only asks for the holder locks the file for a moment, too.
    """
    for attempt in range(_TRIES):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if attempt < _TRIES - 1:
                time.sleep(_PAUSE_SECONDS)
            continue
        if _is_same_file(path, descriptor):
            os.ftruncate(descriptor, 0)
            return descriptor
        os.close(descriptor)
    return None


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def file_holder(path: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(descriptor, 4096).decode(errors="replace").strip() or "another process"
    finally:
        os.close(descriptor)
    return None
