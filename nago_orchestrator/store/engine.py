"""From an address to an engine: PostgreSQL by psycopg2, or one SQLite file in WAL mode."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, OperationalError

from nago_orchestrator.errors import DatabaseError

OpenDatabase = Engine
"""What the reading commands hold; only the store looks inside."""
BUSY_TIMEOUT_SECONDS = 30.0
"""How long a statement waits for another writer's lock."""
IDLE_TRANSACTION_SECONDS = 10
"""How long a transaction may wait for its client's next statement: one that is frozen must not keep its locks."""
CONNECT_TIMEOUT_SECONDS = 10
CONNECTIONS = 8
"""At most, of an engine to PostgreSQL, however many studies one process runs: whoever needs one waits for it."""
_REFUSED_PAUSE_SECONDS = 0.02

_POSTGRES_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")
_TRANSACTION = "nago_transaction"
"""Execution option: how a transaction begins on SQLite; its value is the statement, or empty for none."""

TRUSTED_SECONDS = 0.1
"""How long a connection that lies in the pool is taken to be alive."""
_RESTING = "nago_resting_since"

_SERVER_KEEPALIVES = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3"}
"""Seconds, seconds, number: the server gives up a client whose machine is gone, and with it its connection, after 14 s.
By default it would keep it for two hours."""

_dump = partial(json.dumps, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def parse(address: str) -> URL:
    """A path of an SQLite file, sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE.

    Raises DatabaseError for anything else, and for an SQLite database in memory.
    """
    if "://" not in address:
        return _sqlite_url(address)
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(
            "invalid address of the database", do="give postgresql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite:///PATH"
        ) from error
    if url.drivername in _POSTGRES_SCHEMES:
        return url.set(drivername="postgresql+psycopg2")
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if url.query:
            raise DatabaseError("the address of an SQLite file has no options", do="leave out what follows the `?`")
        return _sqlite_url(url.database or "")
    raise DatabaseError(
        f"databases of type {url.drivername!r} are not supported",
        do="give postgresql://... or the path of an SQLite file",
    )


def describe(url: URL) -> str:
    """The address for messages: without the password and without options, which may hold one too."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.query.get("host") if url.host is None else None
    shown = URL.create(
        "postgresql",
        url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query={"host": host} if host else {},
    )
    return shown.render_as_string()


def sqlite_path(url: URL) -> Path | None:
    """The file of an SQLite database; None for PostgreSQL."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def connect(
    address: str | URL, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS, connections: int = CONNECTIONS
) -> Engine:
    """An engine; nothing is opened before its first use, except that the folders of an SQLite file are created.

    `connections`: at most, to PostgreSQL.

    Raises DatabaseError for an address of the wrong form and for a missing driver.
    """
    url = parse(address) if isinstance(address, str) else address
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, busy_timeout_seconds)
    return _postgres_engine(url, busy_timeout_seconds, connections)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One writing transaction: SQLite takes its write lock at once, so that reading first can never deadlock."""
    with engine.execution_options(**{_TRANSACTION: "BEGIN IMMEDIATE"}).begin() as connection:
        yield connection


def for_reading(engine: Engine) -> Engine:
    """The same engine without transactions around what is read, where these are two more requests and bring nothing.

    PostgreSQL gives every statement a snapshot of its own even inside (READ COMMITTED); SQLite one to all of them.
    """
    if engine.url.get_backend_name() == "sqlite":
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def without_transactions(engine: Engine) -> Engine:
    """The same engine of an SQLite file, for the statements that it takes outside transactions alone."""
    return engine.execution_options(**{_TRANSACTION: ""})


def use_write_ahead_log(engine: Engine, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> None:
    """Readers never wait for the writer of an SQLite file from now on; the file remembers it.

    SQLite does not wait for its lock here, where another process that does the same could wait for this one: it says
    at once that the file is locked. Whoever is refused tries again until the other is through.
    """
    deadline = time.monotonic() + busy_timeout_seconds
    with without_transactions(engine).connect() as connection:
        while True:
            try:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                return
            except OperationalError as error:
                if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_BUSY" or time.monotonic() > deadline:
                    raise
                time.sleep(_REFUSED_PAUSE_SECONDS)


def _sqlite_url(path: str) -> URL:
    if path in ("", ":memory:") or path.startswith("file:"):
        raise DatabaseError(
            "a database in memory is lost when the process ends", do="give the path of a file, or postgresql://..."
        )
    try:
        whole = Path(path).expanduser()
    except RuntimeError as error:
        raise DatabaseError("this system has no such home folder", where=path) from error
    try:
        # The file itself, whatever links lead to it: its locks and runs lie beside it, as SQLite's own log does.
        return URL.create("sqlite", database=str(whole.resolve()))
    except (RuntimeError, OSError) as error:  # RuntimeError before Python 3.13
        raise DatabaseError("the symbolic links to the database form a circle", where=path) from error


def _sqlite_engine(url: URL, busy_timeout_seconds: float) -> Engine:
    path = Path(url.database or "")
    if path.is_dir():
        raise DatabaseError("the database is a folder", where=path, do="give the path of a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"cannot create the folder of the database: {error.strerror}", where=path.parent, do="give another path"
        ) from error
    engine = create_engine(url, connect_args={"timeout": busy_timeout_seconds}, json_serializer=_dump)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver shall not begin transactions by itself; _begin_sqlite does
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_TRANSACTION, "BEGIN")
    if statement:
        connection.exec_driver_sql(statement)


def _postgres_engine(url: URL, busy_timeout_seconds: float, connections: int) -> Engine:
    settings = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": "nago-orch",
        # A server that disappeared is noticed within a minute, also by a connection that only waits.
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,  # milliseconds; keepalives alone do not end what waits for an acknowledgement
    }
    own = {key: value for key, value in settings.items() if key not in url.query}
    try:
        engine = create_engine(url, connect_args=own, json_serializer=_dump, pool_size=connections, max_overflow=0)
    except ModuleNotFoundError as error:
        raise DatabaseError(
            "PostgreSQL needs the driver psycopg2", do="pip install 'nago-orchestrator[postgres]'"
        ) from error
    _limit_transactions(engine, busy_timeout_seconds)
    _keep_alive(engine)
    _ping_after_rest(engine)
    return engine


def _limit_transactions(engine: Engine, busy_timeout_seconds: float) -> None:
    """Every transaction says its own limits: what was set for a session is lost, or another's, behind a pooler."""
    limits = {
        "lock_timeout": f"{round(1000 * busy_timeout_seconds)}ms",
        "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
    }
    statement = f"SELECT {', '.join(['set_config(%s, %s, true)'] * len(limits))}"
    values = tuple(part for setting in limits.items() for part in setting)

    @event.listens_for(engine, "begin")
    def _limit(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql(statement, values)


def _keep_alive(engine: Engine) -> None:
    """A pooler has its own connections to the server; there it does not matter whose keepalives these are."""
    statement = f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(_SERVER_KEEPALIVES))}"

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, [part for setting in _SERVER_KEEPALIVES.items() for part in setting])
        connection.commit()


def _ping_after_rest(engine: Engine) -> None:
    """A connection that was not used for a while may be dead: it is tried before it is given out, and replaced.

    SQLAlchemy's own way asks before every use, which would be a quarter of all that the loop asks.
    """

    @event.listens_for(engine, "checkin")
    def _note(_connection: object, record: Any) -> None:
        record.info[_RESTING] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ping(connection: Any, record: Any, _proxy: object) -> None:
        if time.monotonic() - record.info.get(_RESTING, time.monotonic()) < TRUSTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error
