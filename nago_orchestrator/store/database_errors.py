"""What the databases' drivers raise, as one sentence each. The only place that knows their codes and wordings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from nago_orchestrator.errors import DatabaseError, InputError, StaleStateError

_UNIQUE_CODES = ("23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")

_FULL = ("has no space left on its disk", "free some space and resume")
_BY_CODE: Mapping[str, tuple[str, str | None]] = {
    # SQLite's primary result codes
    "SQLITE_NOTADB": ("is not an SQLite file", "give another path, or move that file away"),
    "SQLITE_CORRUPT": ("is damaged", "restore it from a backup"),
    "SQLITE_READONLY": (
        "is read-only for this user",
        "change the permissions of the file and its folder, or give another path",
    ),
    "SQLITE_FULL": _FULL,
    "SQLITE_BUSY": ("is locked by another process that has been writing for too long", "wait for it, or stop it"),
    "SQLITE_LOCKED": ("is locked by another process that has been writing for too long", "wait for it, or stop it"),
    "SQLITE_CANTOPEN": ("cannot be opened", "check the path and the permissions of the file and its folder"),
    "SQLITE_IOERR": ("cannot be read or written", "check its disk"),
    # PostgreSQL's SQLSTATE, whole or by class (the first two characters)
    "28": ("refused the user name or the password", None),
    "3D000": ("does not exist on that server", "create it with `createdb`"),
    "22003": ("cannot hold a number as large as one that was given (64 bits)", "give a smaller one"),
    "25006": ("is read-only", "connect to the primary server, or unset default_transaction_read_only"),
    "42501": ("refused the statement for lack of a privilege", "grant it to the user"),
    "53100": _FULL,
    "53300": ("has too many connections", "close some, or raise max_connections or the role's CONNECTION LIMIT"),
    "55000": ("accepts no connections", "allow them with ALTER DATABASE ... ALLOW_CONNECTIONS true"),
    "55P03": ("is locked by another session that has been writing for too long", "wait for it, or stop it"),
    "25P03": ("ended a transaction in which this process had stood still for too long", "try again"),
    "40P01": ("is in a deadlock of two sessions", "try again"),
    "57": ("is shutting down or starting up", "try again in a moment"),
    "08": ("lost the connection", "try again"),
    "42P01": ("has no such table", "run `nago-orch db upgrade`"),
}

_BY_WORDING = {
    # A connection that failed has no SQLSTATE in psycopg2; the server's words are all there is.
    # The first that fits counts.
    "too many connections": "53300",  # also of one role, and to one database
    "permission denied for database": "42501",
    "is not currently accepting connections": "55000",
    "password authentication failed": "28",
    "no password supplied": "28",
    "no pg_hba.conf entry": "28",
    "is not permitted to log in": "28",
    'role "': "28",
    'database "': "3D000",
    "too many clients": "53300",
    "starting up": "57",
    "shutting down": "57",
    "server closed the connection": "08",
    "SSL connection has been closed": "08",
    "connection already closed": "08",
}


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Raises what the driver raises as DatabaseError; a row that another writer added first as StaleStateError."""
    try:
        yield
    except IntegrityError as error:
        if _code(error) in _UNIQUE_CODES:
            raise StaleStateError("another process has written this row first, and nothing was changed") from error
        raise
    except DBAPIError as error:
        raise _explained(error, address) from error
    except OverflowError as error:
        raise InputError("a number is larger than the database can hold (64 bits)", do="give a smaller one") from error
    except PoolTimeoutError as error:
        raise DatabaseError("no free connection to the database", where=address, do="try again") from error


def _explained(error: DBAPIError, address: str) -> DatabaseError:
    """Without the statement and without secrets."""
    code = _code(error)
    for known in (code, code[:2], "_".join(code.split("_")[:2])):
        if known in _BY_CODE:
            what, do = _BY_CODE[known]
            return DatabaseError(f"the database {what}", where=address, do=do)
    first_line = _first_line(error)
    if not code and type(error.orig).__name__ == "OperationalError":
        return DatabaseError(f"cannot reach the database: {first_line}", where=address)
    return DatabaseError(f"the database refused a statement: {first_line}", where=address)


def _code(error: DBAPIError) -> str:
    """SQLSTATE, or the name of SQLite's code; empty if the driver gave none."""
    given: str | None = getattr(error.orig, "pgcode", None) or getattr(error.orig, "sqlite_errorname", None)
    if given:
        return given
    text = str(error.orig)
    return next((code for words, code in _BY_WORDING.items() if words in text), "")


def _first_line(error: DBAPIError) -> str:
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error.orig).__name__
