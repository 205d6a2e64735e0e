"""Rows of `lease`: take, renew, release, check. What may follow what is `domain.lease`; the time is the database's.

Nothing here depends on a session: behind a pooler every transaction may be one of another session.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from nago_orchestrator.domain.lease import Lease, Wish, allows, is_held, requested
from nago_orchestrator.errors import HeldError, TakenOverError
from nago_orchestrator.store.engine import for_reading, writing
from nago_orchestrator.store.insert import insert_or_ignore
from nago_orchestrator.store.process_identity import is_gone
from nago_orchestrator.store.schema import lease, study

SERVING = 0
"""In place of a study's id: the lease of the process that serves all studies. Ids of studies begin at 1."""
_OLDER_CLASS = 0x4E41474F
"""First of the two keys of the advisory locks by which earlier versions held a study; the second is its id."""


@dataclass(frozen=True, slots=True)
class Fence:
    """What one taking of a lease may write under."""

    study_id: int
    token: int

    def check(self, connection: Connection) -> None:
        """Nobody can take the lease from here until the transaction ends. Raises TakenOverError if somebody has."""
        found = connection.execute(_one(self.study_id).with_for_update(read=True)).first()
        if found is None or not allows(_lease(found), self.token):
            raise taken_over(connection, self.study_id, None if found is None else found.holder)


def take(engine: Engine, study_id: int, wish: Wish, *, others_are_gone: bool) -> Fence:
    """Raises HeldError, which names the holder. `others_are_gone`: a lock of another kind proves it."""
    with writing(engine) as connection:
        connection.execute(insert_or_ignore(connection, lease).values(study_id=study_id, token=0))
        found = connection.execute(_one(study_id).with_for_update()).one()
        before, now = _lease(found), _now(connection)
        gone = others_are_gone or is_gone(before.process)
        older = None if others_are_gone else _older_holder(connection, study_id)
        after = before if older else requested(before, wish, now, holder_is_gone=gone)
        if after != before:
            connection.execute(update(lease).where(lease.c.study_id == study_id).values(_columns(after)))
        if after.token != before.token:
            return Fence(study_id, after.token)
        refusal = _held(connection, study_id, older or after.holder, _seconds_left(after, now))
    raise refusal  # after the commit: the row may have got another end


def renew(engine: Engine, fence: Fence) -> bool:
    """PostgreSQL: as `domain.lease.renewed`, in one statement. False: it was taken by another."""
    with for_reading(engine).connect() as connection:
        return connection.execute(_RENEW, {"study": fence.study_id, "token": fence.token}).rowcount == 1


def release(engine: Engine, fence: Fence) -> None:
    """As `domain.lease.released`. Where the database does not answer, the lease ends by itself."""
    try:
        with writing(engine) as connection:
            mine = lease.c.study_id == fence.study_id, lease.c.token == fence.token
            connection.execute(update(lease).where(*mine).values(_columns(Lease(token=fence.token))))
    except SQLAlchemyError:
        pass


def holder(engine: Engine, study_id: int) -> str | None:
    """PostgreSQL: who holds it now; None if nobody does."""
    with for_reading(engine).connect() as connection:
        found = connection.execute(_one(study_id)).first()
        if found is None or not is_held(_lease(found), _now(connection)) or is_gone(found.process):
            return _older_holder(connection, study_id)
    return str(found.holder)


def taken_over(connection: Connection, study_id: int, by: str | None) -> TakenOverError:
    """For the process that no longer holds it."""
    what = "serving" if study_id == SERVING else f"the study {_name(connection, study_id)!r}"
    return TakenOverError(
        f"{what} was taken over from this process, which had been silent for too long",
        where=by,
        do="nothing is lost, let the other process go on",
    )


def taken_over_now(engine: Engine, study_id: int) -> TakenOverError:
    """With the name of who holds it now."""
    with for_reading(engine).connect() as connection:
        found = connection.execute(_one(study_id)).first()
        return taken_over(connection, study_id, None if found is None else found.holder)


def _held(connection: Connection, study_id: int, by: str | None, seconds_left: float | None) -> HeldError:
    if study_id == SERVING:
        return HeldError(f"another server is running for this database: {by or 'an unknown process'}")
    wait = "" if seconds_left is None else f"; if it no longer works, its right to run ends in {seconds_left:.0f} s"
    return HeldError(
        f"the study {_name(connection, study_id)!r} is already run by another process",
        where=by,
        do=f"stop that process first{wait}",
    )


def held_by(engine: Engine, study_id: int, by: str | None) -> HeldError:
    """For who is refused by a lock of another kind."""
    with for_reading(engine).connect() as connection:
        return _held(connection, study_id, by, None)


def _name(connection: Connection, study_id: int) -> str | None:
    found: str | None = connection.scalar(select(study.c.name).where(study.c.id == study_id))
    return found


def _one(study_id: int) -> Select[Any]:
    return select(lease).where(lease.c.study_id == study_id)


def _lease(row: Row[Any]) -> Lease:
    return Lease(
        token=row.token,
        holder=row.holder,
        process=row.process,
        term=None if row.term is None else timedelta(seconds=row.term),
        expires_at=row.expires_at,
    )


def _columns(after: Lease) -> dict[str, object]:
    return {
        "token": after.token,
        "holder": after.holder,
        "process": after.process,
        "term": None if after.term is None else after.term.total_seconds(),
        "expires_at": after.expires_at,
    }


def _seconds_left(found: Lease, now: datetime) -> float | None:
    return None if found.expires_at is None else (found.expires_at - now).total_seconds()


def _now(connection: Connection) -> datetime:
    """By the clock of the server, whatever time the transaction began."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)  # in the same machine
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


_RENEW = text(
    "UPDATE lease SET expires_at = clock_timestamp() + term * interval '1 second'"
    " WHERE study_id = :study AND token = :token AND holder IS NOT NULL"
)


def _older_holder(connection: Connection, study_id: int) -> str | None:
    """A process of a version before the leases that still runs the study, after the schema was upgraded under it."""
    if connection.dialect.name != "postgresql":
        return None
    found: str | None = connection.scalar(
        text(
            "SELECT activity.application_name FROM pg_catalog.pg_locks"
            " JOIN pg_catalog.pg_stat_activity activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND classid = :class AND objid = :study AND objsubid = 2"
            " AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
        ),
        {"class": _OLDER_CLASS, "study": study_id},
    )
    return found
