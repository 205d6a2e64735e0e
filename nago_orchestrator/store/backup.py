"""A copy of an SQLite database, whole and of one moment, while a study runs; and a copy put in its place.

A plain copy of the file would miss what still stands in SQLite's log beside it. PostgreSQL has tools of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from nago_orchestrator.errors import DatabaseError
from nago_orchestrator.store import versions
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import connect, parse, sqlite_path, without_transactions
from nago_orchestrator.store.versions import SchemaState

_BESIDE = ("-wal", "-shm")
"""SQLite's own files beside a database: what is in them belongs to that one alone."""


def backup(address: str, target: Path) -> None:
    """Copies the database into a new file. Raises DatabaseError, also for a file that exists."""
    source = _file(address, tool="pg_dump")
    with _new_file(target, "give another name") as draft:
        engine = connect(str(source))
        try:
            with translated(str(source)), without_transactions(engine).connect() as connection:
                connection.execute(text("VACUUM INTO :path"), {"path": str(draft)})
        finally:
            engine.dispose()


def restore(source: Path, address: str) -> None:
    """Copies a backup to where the database shall be. Raises DatabaseError, also for a database that exists."""
    target = _file(address, tool="pg_restore")
    versions.refuse_missing_file(str(source))
    status = versions.check(str(source))
    if status.state in (SchemaState.ABSENT, SchemaState.NEWER):
        versions.refuse_other(status, str(source))
    with _new_file(target, "move it away first") as draft:
        target.parent.mkdir(parents=True, exist_ok=True)
        for suffix in _BESIDE:
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(source, draft)


def _file(address: str, *, tool: str) -> Path:
    path = sqlite_path(parse(address))
    if path is None:
        raise DatabaseError("this command copies SQLite files only", do=f"use {tool} for a PostgreSQL database")
    return path


@contextmanager
def _new_file(path: Path, do: str) -> Iterator[Path]:
    """A draft beside it, which takes its name once it is whole; a file that has the name stays untouched."""
    if path.exists():
        raise DatabaseError("the file exists already", where=path, do=do)
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.unlink(missing_ok=True)
        yield draft
        path.open("xb").close()  # fails for a file that came meanwhile; hard links would, but not every disk has them
        draft.replace(path)
    except OSError as error:
        raise DatabaseError(f"the copy cannot be written: {error.strerror}", where=path) from error
    finally:
        if draft.exists():
            draft.unlink()
