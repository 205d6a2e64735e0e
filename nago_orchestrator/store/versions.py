"""Which version of the schema a database has, and how it gets the newest one.

Reading commands compare two short strings; alembic is imported only to upgrade.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, inspect, text

from nago_orchestrator.errors import DatabaseError
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import connect, describe, parse, sqlite_path, use_write_ahead_log, writing

_T = TypeVar("_T")

HEAD = "0015"
"""The newest revision. Revisions are numbers, so that older and newer can be told without the migrations."""
VERSION_TABLE = "nago_schema_version"
"""Not alembic's usual name: the database may be shared with another program that uses alembic."""

_UPGRADE_LOCK = 0x4E41474F
_USUAL_SCHEMA = "public"


class SchemaState(StrEnum):
    CURRENT = "current"
    ABSENT = "absent"
    """Empty, or without our tables."""
    OLDER = "older"
    NEWER = "newer"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    state: SchemaState
    found: str | None
    """The revision in the database."""
    needed: str
    empty: bool
    """No table at all, not even somebody else's."""


def open_engine(address: str) -> Engine:
    """An engine of a database with the current schema; a new SQLite file gets it. Raises DatabaseError otherwise."""
    url = parse(address)
    engine = connect(url)
    try:
        status = _status(engine)
        if status.empty and sqlite_path(url) is not None:
            _migrate(engine, HEAD)
            status = _status(engine)
        refuse_other(status, describe(url))
    except DatabaseError:
        engine.dispose()
        raise
    return engine


def refuse_missing_file(address: str) -> None:
    """Raises DatabaseError for the path of an SQLite file that is not there; creates nothing, asks no server."""
    path = sqlite_path(parse(address))
    if path is not None and not path.exists():
        raise DatabaseError(
            "there is no such database file", where=path, do="correct the path, or create it with `nago-orch submit`"
        )


def check(address: str) -> SchemaStatus:
    """What the database has; creates nothing. Raises DatabaseError if it cannot be read."""
    url = parse(address)
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return SchemaStatus(state=SchemaState.ABSENT, found=None, needed=HEAD, empty=True)
    return _with_engine(url, _status)


def upgrade(address: str) -> SchemaStatus:
    """Brings the schema to the newest version, in one transaction; what is current stays untouched.

    Raises DatabaseError for a newer schema and for a database that cannot be written.
    """
    url = parse(address)

    def bring_up(engine: Engine) -> SchemaStatus:
        status = _status(engine)
        if status.state is SchemaState.NEWER:
            refuse_other(status, describe(url))
        if status.state is not SchemaState.CURRENT:
            _migrate(engine, HEAD)
        return _status(engine)

    return _with_engine(url, bring_up)


def downgrade(address: str, revision: str) -> None:
    """Back to a revision; "base" drops all our tables with what is in them."""
    _with_engine(parse(address), lambda engine: _migrate(engine, revision))


def refuse_other(status: SchemaStatus, shown: str) -> None:
    """Raises DatabaseError, with the command that fixes it, unless the schema is the current one."""
    upgrade_it = "run `nago-orch db upgrade`"
    problems = {
        SchemaState.ABSENT: ("has no tables of NAGO", upgrade_it),
        SchemaState.OLDER: (f"has schema {status.found}, and this program needs {status.needed}", upgrade_it),
        SchemaState.NEWER: (
            f"has schema {status.found}, newer than the {status.needed} of this program",
            "upgrade nago-orchestrator",
        ),
    }
    if status.state in problems:
        what, do = problems[status.state]
        raise DatabaseError(f"the database {what}", where=shown, do=do)


def other_schema(connection: Connection) -> str | None:
    """Where the tables of a PostgreSQL database are; None for the usual schema."""
    found: str | None = connection.scalar(
        text(
            "SELECT nspname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE pg_class.oid = pg_catalog.to_regclass('study')"
        )
    )
    return None if found == _USUAL_SCHEMA else found


def migrations_folder() -> Path:
    """Inside the installed package, or at the top of the repository. Raises DatabaseError where neither has them."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise DatabaseError("the installation has no migrations", do="install nago-orchestrator again")


def _with_engine(url: URL, action: Callable[[Engine], _T]) -> _T:
    engine = connect(url)
    try:
        return action(engine)
    finally:
        engine.dispose()


def _status(engine: Engine) -> SchemaStatus:
    with translated(describe(engine.url)), engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        found = _revision(connection) if VERSION_TABLE in tables else None
    return SchemaStatus(state=_state(found), found=found, needed=HEAD, empty=not tables)


def _revision(connection: Connection) -> str | None:
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return found


def _state(found: str | None) -> SchemaState:
    if found is None:
        return SchemaState.ABSENT
    if found == HEAD:
        return SchemaState.CURRENT
    return SchemaState.OLDER if found < HEAD else SchemaState.NEWER


def _alone(connection: Connection) -> None:
    """Nobody else upgrades before this transaction ends.

    Any login may take any advisory lock, a trainer's too; the table can be locked by its owner alone. Only a database
    without that table, which no trainer can have a login to, is left to the advisory lock.
    """
    if VERSION_TABLE not in inspect(connection).get_table_names():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
    if VERSION_TABLE in inspect(connection).get_table_names():
        connection.execute(text(f"LOCK TABLE {VERSION_TABLE} IN SHARE ROW EXCLUSIVE MODE"))


def _migrate(engine: Engine, revision: str) -> None:
    """One transaction under one lock, so that several processes may start on a new database at the same moment."""
    from alembic import command, config  # here, because every command loads this file and few migrate

    settings = config.Config()
    settings.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    move = command.downgrade if revision == "base" or revision < HEAD else command.upgrade
    path = sqlite_path(engine.url)
    with translated(describe(engine.url)):
        if path is not None:
            use_write_ahead_log(engine)
        with writing(engine) as connection:
            if path is None:
                _alone(connection)
            settings.attributes["connection"] = connection
            move(settings, revision)
