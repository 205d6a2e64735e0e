"""Logins of attempts: a PostgreSQL role for each attempt whose trainer reports through the database.

A role is made in the transaction that makes the attempt's row, and removed once no report of the attempt can count any
more. What is left over is found by the prefix of its name, which says the database and the schema. SQLite has none.

What a trainer does with its login must not hold up anything else. So each role is removed in a transaction of its
own, which waits for nothing long, and a session of a trainer whose transaction lasts too long is ended: with it go the
locks that it held.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from nago_orchestrator.domain.credentials import Login
from nago_orchestrator.errors import DatabaseError
from nago_orchestrator.store.database_errors import translated
from nago_trainer.contract.attempt_files import LOGIN_PREFIX

GROUP = "nago_trainer"
CONNECTION_LIMIT = 2
"""A trainer needs one, and a second while the server has not noticed the end of the first."""
LONGEST_TRANSACTION_SECONDS = 30
"""Of a trainer, whose statements take milliseconds."""
_PATIENCE = "SET LOCAL lock_timeout = '1s'"

_WHERE = (
    "SELECT current_database() || '/' || nspname FROM pg_catalog.pg_class"
    " JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
    " WHERE pg_class.oid = pg_catalog.to_regclass('attempt')"
)
_KNOWN = text("SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :role)")
_HEARD = """
SELECT FROM attempt JOIN trial ON trial.id = attempt.trial_id
WHERE attempt.login = rolname AND trial.state IN ('queued', 'running')
AND NOT EXISTS (
    SELECT FROM attempt AS newer WHERE newer.trial_id = attempt.trial_id AND newer.number > attempt.number
)
"""
"""An attempt of that login whose result may still count."""
_LEFT_OVER = text(
    "SELECT rolname::text FROM pg_catalog.pg_roles"
    f" WHERE starts_with(rolname::text, :prefix) AND (rolcanlogin OR :all) AND NOT EXISTS ({_HEARD})"
)
_END_SESSIONS = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE"
_END_LONG = text(
    f"{_END_SESSIONS} starts_with(usename::text, :prefix)"
    " AND clock_timestamp() - xact_start > make_interval(secs => :seconds)"
)
_END_ALL = text(f"{_END_SESSIONS} usename = :role")


def prefix(connection: Connection) -> str:
    """Of the roles of this database and schema: a server may have several. On SQLite it names none."""
    if connection.dialect.name != "postgresql":
        return LOGIN_PREFIX
    where = connection.exec_driver_sql(_WHERE).scalar_one()
    return f"{LOGIN_PREFIX}{hashlib.sha256(where.encode()).hexdigest()[:8]}_"


def give(connection: Connection, login: Login) -> None:
    """Create the role, or reset its password and limits. Raises DatabaseError where this user may not create roles."""
    if connection.dialect.name != "postgresql":
        return
    until = login.valid_until.isoformat()
    rights = f"LOGIN CONNECTION LIMIT {CONNECTION_LIMIT} VALID UNTIL '{until}' PASSWORD '{login.verifier}'"
    if connection.scalar(_KNOWN, {"role": login.role}):
        connection.exec_driver_sql(f"ALTER ROLE {login.role} {rights}")
        return
    try:
        # We become a member, so that we may see its sessions and end them.
        connection.exec_driver_sql(f"CREATE ROLE {login.role} {rights} IN ROLE {GROUP} ROLE CURRENT_USER")
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) != "42501":
            raise
        raise DatabaseError("this user of the database may not make logins for trainers", do=remedy()) from error


def remedy() -> str:
    return (
        f"let an administrator run ALTER ROLE USER CREATEROLE and GRANT {GROUP} TO USER WITH ADMIN OPTION,"
        " with the name of this user (docs/operations.md, Upgrade)"
    )


def end_long_transactions(connection: Connection, prefix_: str, longest: float = LONGEST_TRANSACTION_SECONDS) -> int:
    """How many trainers' sessions were ended. `longest`: in seconds."""
    return len(connection.execute(_END_LONG, {"prefix": prefix_, "seconds": longest}).all())


def left_over(connection: Connection, prefix_: str, *, disabled: bool) -> Sequence[str]:
    """Roles of attempts whose reports no longer count; `disabled`: also those that could not be removed before."""
    return connection.execute(_LEFT_OVER, {"prefix": prefix_, "all": disabled}).scalars().all()


def remove(engine: Engine, role: str) -> bool:
    """End its sessions and drop it. False where it owns something that we cannot drop: then it may not log in."""
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(_PATIENCE)
            connection.execute(_END_ALL, {"role": role})  # an open transaction of the role may hold its own row
            connection.exec_driver_sql(f"ALTER ROLE {role} NOLOGIN PASSWORD NULL")
        with engine.begin() as connection:
            connection.exec_driver_sql(_PATIENCE)
            connection.execute(_END_ALL, {"role": role})  # those that were let in meanwhile
            connection.exec_driver_sql(f"DROP OWNED BY {role}")
            connection.exec_driver_sql(f"DROP ROLE {role}")
    except DBAPIError:
        with engine.connect() as connection:  # somebody else may have dropped it
            return not connection.scalar(_KNOWN, {"role": role})
    return True


class TrainerLogins:
    """Those of one database."""

    def __init__(self, engine: Engine, address: str) -> None:
        self._engine = engine
        self._address = address
        self._prefix: str | None = None
        self._guard = threading.Lock()
        self._tidied_at: float | None = None

    @property
    def prefix(self) -> str:
        """Of their names. Raises DatabaseError."""
        if self._prefix is None:
            with translated(self._address), self._engine.connect() as connection:
                self._prefix = prefix(connection)
        return self._prefix

    def tidy_now_and_then(self, pause_seconds: float) -> None:
        """As `tidy`, unless another loop of this process did it less than so long ago. Raises DatabaseError."""
        with self._guard:
            now, last = time.monotonic(), self._tidied_at
            if last is not None and now - last < pause_seconds:
                return
            self._tidied_at = now
        self.tidy(disabled=last is None)

    def tidy(self, *, disabled: bool = False, longest: float = LONGEST_TRANSACTION_SECONDS) -> int:
        """Remove those of attempts whose reports no longer count, and end transactions of more than `longest` seconds.

        `disabled`: try again those that could not be removed before. Gives how many could not. Raises DatabaseError.
        """
        if self._engine.dialect.name != "postgresql":
            return 0
        own = self.prefix  # before the transaction: a pooler may have no second connection for it
        with translated(self._address):
            with self._engine.begin() as connection:
                end_long_transactions(connection, own, longest)
                roles = left_over(connection, own, disabled=disabled)
            return sum(not remove(self._engine, role) for role in roles)
