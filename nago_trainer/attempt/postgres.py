"""An attempt's way into the orchestrator's PostgreSQL: three functions, which know it by its login. No other SQL.

In a pod that version 0.1.0 created, the login is one that trainers share; then they know it by its name and token.

Called by database attempts. A connection lives only as long as there is something to say: hundreds of trainers share
one server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nago_trainer.contract.attempt_files import LOGIN_PREFIX
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.errors import TaskError

STATEMENT_SECONDS = 30
CONNECTION = {
    "application_name": "nago-train",
    "connect_timeout": "10",
    # A server that disappeared is noticed within a minute.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg2://")

PASSING = ("08", "40", "53", "55", "57", "58", "25006")
"""SQLSTATEs, by class or whole, of what another try may find mended: connection, deadlock, resources, shutdown,
a server that is a read-only copy until the main one is back."""
LASTING = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "permission denied",
)
"""What a refused connection, which has no SQLSTATE, says of a cause that stays."""


class DatabaseDownError(Exception):
    """The database cannot be reached now; it may be later."""


class DatabaseRefusedError(Exception):
    """The database answers, and says no: another try would hear the same."""


def load_driver() -> Any:
    """psycopg2. Raises TaskError where it is not installed."""
    try:
        import psycopg2  # here, because it is an optional extra, which attempts in a folder do not need
    except ModuleNotFoundError as error:
        raise TaskError(
            "the driver psycopg2 is not installed", do="pip install 'nago-orchestrator[postgres]'"
        ) from error
    return psycopg2


class AttemptDatabase:
    def __init__(self, address: str, *, attempt: str = "", token: str = "") -> None:
        """`attempt` and its `token` count only where the address has not the attempt's own login.

        Raises TaskError for an address of another form, or without driver.
        """
        scheme = next((scheme for scheme in SCHEMES if address.startswith(scheme)), None)
        if scheme is None:
            raise TaskError("invalid NAGO_DATABASE_URL", do="write postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        self._driver = load_driver()
        self._address = "postgresql://" + address.removeprefix(scheme)
        self._named = (attempt, token) if attempt else ()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Raises DatabaseDownError or DatabaseRefusedError, as do the session's methods."""
        try:
            own = self._driver.extensions.parse_dsn(self._address)
        except self._driver.ProgrammingError as error:  # its text may hold the password
            raise DatabaseRefusedError("invalid address of the database") from error
        with _translated(self._driver):
            connection = self._driver.connect(self._address, **{k: v for k, v in CONNECTION.items() if k not in own})
        try:
            has_own = str(own.get("user", "")).startswith(LOGIN_PREFIX)
            yield Session(self._driver, connection, () if has_own else self._named)
        finally:
            connection.close()


class Session:
    """Each method is one transaction."""

    def __init__(self, driver: Any, connection: Any, named: tuple[str, ...] = ()) -> None:
        """`named`: the attempt's name and token, for a login that does not say whose it is."""
        self._driver = driver
        self._connection = connection
        self._named = named

    def read_task(self) -> dict[str, Any] | None:
        """The JSON form of the TrialTask, without its token; None for an attempt that is over."""
        task: dict[str, Any] | None = self._call("nago_read_task")
        return task

    def add_epoch(self, record: EpochRecord) -> bool:
        """False if this attempt's result is no longer needed. An epoch that is stored already stays as it is."""
        return bool(self._call("nago_add_epoch", _json(record.to_json())))

    def add_result(self, result: TrialResult) -> bool:
        """False if it is no longer needed. A result of this attempt that is stored already stays as it is."""
        return bool(self._call("nago_add_result", _json(result.to_json())))

    def _call(self, function: str, *contents: str) -> Any:
        places = ", ".join(["%s"] * len(self._named) + ["%s::jsonb"] * len(contents))
        with _translated(self._driver), self._connection, self._connection.cursor() as cursor:
            # For this transaction alone: a connection pool may give this connection to another client afterwards.
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", (f"{STATEMENT_SECONDS}s",))
            cursor.execute(f"SELECT {function}({places})", (*self._named, *contents))
            return cursor.fetchone()[0]


@contextmanager
def _translated(driver: Any) -> Iterator[None]:
    try:
        yield
    except driver.Error as error:
        code = error.pgcode or ""
        text = error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
        if code:
            passing = code.startswith(PASSING)
        else:
            lost = isinstance(error, (driver.OperationalError, driver.InterfaceError))
            passing = lost and not any(words in text for words in LASTING)
        raise (DatabaseDownError if passing else DatabaseRefusedError)(text) from error


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, allow_nan=False)
