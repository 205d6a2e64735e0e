"""One writer per study: an advisory lock on a connection of its own (PostgreSQL), or a lock file (SQLite).

Both vanish with the process that holds them, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import SQLAlchemyError

from nago_orchestrator.errors import DatabaseError, HeldError, ReplacedError
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import describe, sqlite_path
from nago_orchestrator.store.schema import study

_LOCK_CLASS = 0x4E41474F
"""First of the two keys of our advisory locks; the second is the study's id."""
_LONGEST_APPLICATION_NAME = 63
SERVING = 0
"""In place of a study's id: the lock of the process that serves all studies. Ids of studies begin at 1."""
_TRIES = 5
_PAUSE_SECONDS = 0.02


class Hold(Protocol):
    """The right to run a study, as long as its context is open."""

    def still_held(self) -> bool:
        """False once the lock was lost, e.g. with its connection; it never comes back."""
        ...


def describe_holder(now: datetime) -> str:
    """This process in the words that HeldError shows to another one."""
    return f"pid {os.getpid()} on {socket.gethostname()} since {now.isoformat(timespec='seconds')}"


@contextmanager
def hold(engine: Engine, study_id: int, holder: str) -> Iterator[Hold]:
    """Raises HeldError, which names who holds the study."""
    path = _lock_file(engine, study_id)
    with _hold_file(engine, path, study_id, holder) if path else _hold_session(engine, study_id, holder) as held:
        yield held


def holder(engine: Engine, study_id: int) -> str | None:
    """Who holds the study now; None if nobody does."""
    path = _lock_file(engine, study_id)
    if path is not None:
        return _file_holder(path)
    with engine.connect() as connection:
        return _session_holder(connection, study_id)


# SQLite


class _FileHold:
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


def _lock_file(engine: Engine, study_id: int) -> Path | None:
    path = sqlite_path(engine.url)
    return None if path is None else path.with_name(f"{path.name}.study-{study_id}.lock")


@contextmanager
def _hold_file(engine: Engine, path: Path, study_id: int, holder: str) -> Iterator[Hold]:
    database = Path(engine.url.database or "")
    _refuse_second_name(database)
    with _writing_lock(path):
        descriptor = _lock(path)
    if descriptor is None:
        raise _held(engine, study_id, _file_holder(path))
    try:
        with _writing_lock(path):
            os.write(descriptor, f"{holder}\n".encode())
        yield _FileHold(path, descriptor, database)
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


def _file_holder(path: Path) -> str | None:
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


# PostgreSQL


class _SessionHold:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pid = _backend_pid(connection)
        self._lost = False

    def still_held(self) -> bool:
        if not self._lost:
            try:
                # SQLAlchemy may reconnect by itself: another backend is another session, without the lock.
                self._lost = _backend_pid(self._connection) != self._pid
            except SQLAlchemyError:
                self._lost = True
        return not self._lost


@contextmanager
def _hold_session(engine: Engine, study_id: int, holder: str) -> Iterator[Hold]:
    with translated(describe(engine.url)):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # never back into the pool: the lock lives exactly as long as this session
        held = _take_session(engine, connection, study_id, holder)
    try:
        yield held
    finally:
        with suppress(SQLAlchemyError):  # a lost connection has nothing left to unlock
            # Said aloud: a server only notices some time later that a connection was closed.
            connection.execute(text("SELECT pg_advisory_unlock(:class, :study)"), _keys(study_id))
        with suppress(SQLAlchemyError):
            connection.close()


def _take_session(engine: Engine, connection: Connection, study_id: int, holder: str) -> Hold:
    try:
        connection.execute(
            text("SELECT set_config('application_name', :name, false)"), {"name": _application_name(holder)}
        )
        for pause in (*[_PAUSE_SECONDS] * (_TRIES - 1), 0.0):
            if connection.scalar(text("SELECT pg_try_advisory_lock(:class, :study)"), _keys(study_id)):
                return _SessionHold(connection)
            time.sleep(pause)  # the server may be about to notice that the holder was killed
        raise _held(engine, study_id, _session_holder(connection, study_id))
    except BaseException:
        connection.close()
        raise


def _application_name(holder: str) -> str:
    """As much of it as PostgreSQL keeps: rather without the time than with half of it."""
    name = holder.encode("ascii", "replace").decode()
    short = name if len(name) <= _LONGEST_APPLICATION_NAME else name.partition(" since ")[0]
    return short[:_LONGEST_APPLICATION_NAME]


def _keys(study_id: int) -> dict[str, int]:
    return {"class": _LOCK_CLASS, "study": study_id}


def _backend_pid(connection: Connection) -> int:
    pid: int = connection.scalar(text("SELECT pg_backend_pid()")) or 0
    return pid


def _session_holder(connection: Connection, study_id: int) -> str | None:
    found: str | None = connection.scalar(
        text(
            "SELECT activity.application_name FROM pg_locks JOIN pg_stat_activity activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND classid = :class AND objid = :study AND objsubid = 2"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        _keys(study_id),
    )
    return found


def _held(engine: Engine, study_id: int, holder: str | None) -> HeldError:
    if study_id == SERVING:
        return HeldError(f"another server is running for this database: {holder or 'an unknown process'}")
    with engine.connect() as connection:
        name = connection.scalar(select(study.c.name).where(study.c.id == study_id))
    return HeldError(
        f"the study {name!r} is already run by another process", where=holder, do="stop that process first"
    )
