"""One orchestrator per study: a lease in the database, whose token every write of its holder shows.

On PostgreSQL the lease ends by itself unless it is renewed. On SQLite a lock file beside the database keeps others out
for as long as its process exists, frozen or not, and the lease, which never runs out, carries the token alone.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from nago_orchestrator.domain.lease import Wish
from nago_orchestrator.store import lease_rows
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import describe, sqlite_path
from nago_orchestrator.store.file_lock import FileLock, LockedByAnotherError, file_holder, lock_file, locked
from nago_orchestrator.store.lease_rows import Fence
from nago_orchestrator.store.process_identity import own_identity
from nago_orchestrator.store.renewal import Renewal


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    term: timedelta
    """How long a lease stands without a renewal."""
    renewal: timedelta
    """Between two renewals."""


TERMS = Terms(term=timedelta(seconds=20), renewal=timedelta(seconds=6))


class Hold(Protocol):
    """The right to run a study, as long as its context is open."""

    @property
    def fence(self) -> Fence: ...

    def still_held(self) -> bool:
        """False once the lock file is lost; it never comes back.

        Raises TakenOverError once another process has taken the lease, DatabaseError while nobody can say.
        """
        ...


def describe_holder(now: datetime) -> str:
    """This process in the words that HeldError shows to another one."""
    return f"pid {os.getpid()} on {socket.gethostname()} since {now.isoformat(timespec='seconds')}"


@contextmanager
def hold(engine: Engine, study_id: int, holder: str, terms: Terms = TERMS) -> Iterator[Hold]:
    """Raises HeldError, which names who holds the study."""
    database = sqlite_path(engine.url)
    taken = (
        _leased(engine, study_id, holder, terms) if database is None else _locked(engine, database, study_id, holder)
    )
    with taken as held:
        yield held


def holder(engine: Engine, study_id: int) -> str | None:
    """Who holds the study now; None if nobody does."""
    database = sqlite_path(engine.url)
    return lease_rows.holder(engine, study_id) if database is None else file_holder(lock_file(database, study_id))


@contextmanager
def _leased(engine: Engine, study_id: int, holder: str, terms: Terms) -> Iterator[Hold]:
    sent = Renewal.clock()
    with translated(describe(engine.url)):
        wish = Wish(holder=holder, process=own_identity(), term=terms.term)
        fence = lease_rows.take(engine, study_id, wish, others_are_gone=False)
    renewal = Renewal(engine, fence, terms.term, terms.renewal, sure_since=sent)
    renewal.start()
    try:
        yield renewal
    finally:
        renewal.end()
        lease_rows.release(engine, fence)


@dataclass(frozen=True, slots=True)
class _FileHold:
    fence: Fence
    lock: FileLock

    def still_held(self) -> bool:
        return self.lock.still_held()


@contextmanager
def _locked(engine: Engine, database: Path, study_id: int, holder: str) -> Iterator[Hold]:
    try:
        with locked(database, study_id, holder) as lock:
            with translated(describe(engine.url)):
                wish = Wish(holder=holder, process=own_identity(), term=None)
                fence = lease_rows.take(engine, study_id, wish, others_are_gone=True)
            try:
                yield _FileHold(fence, lock)
            finally:
                lease_rows.release(engine, fence)
    except LockedByAnotherError as error:
        with translated(describe(engine.url)):
            refusal = lease_rows.held_by(engine, study_id, error.holder)
        raise refusal from None
