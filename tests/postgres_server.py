"""A PostgreSQL server of the tests' own: started once per session, listening on a Unix socket, gone at the end.

PostgreSQL refuses to run as root; as root it runs as the user `postgres` or `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from tests.waiting import PATIENCE_SECONDS

_MISSING = (
    "The tests need PostgreSQL's server programs: run `apt-get install postgresql`, "
    "or give the address of a server in NAGO_TEST_DATABASE_URL (its user must be allowed to create databases)."
)
_START_SECONDS = PATIENCE_SECONDS
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "log_min_messages": "fatal",
    "password_encryption": "scram-sha-256",
}
_WHO = (
    "local all nago trust\nlocal all +nago_trainer scram-sha-256\nlocal all all trust\n"
    "host all +nago_trainer 127.0.0.0/8 scram-sha-256\n"
)
"""Trainers prove their passwords; the administrator, who may be a member of their role, needs none."""


class PostgresMissingError(Exception):
    pass


class PostgresServer:
    """A server that may be stopped and started again; beside its socket it listens on `listen_addresses`."""

    def __init__(self, folder: Path, *, listen_addresses: str = "", settings: Mapping[str, str] | None = None) -> None:
        """`settings`: others than the usual ones."""
        self._folder = folder
        self._settings = {**_SETTINGS, **(settings or {})}
        self._listen_addresses = listen_addresses
        self._programs = _programs()
        self._as_user = as_unprivileged(folder)
        self._process: subprocess.Popen[bytes] | None = None
        options = ["-U", "nago", "-E", "UTF8", "--locale=C", "-A", "trust", "-N"]
        subprocess.run(
            [self._programs / "initdb", "-D", folder / "data", *options],
            check=True,
            capture_output=True,
            cwd=folder,
            **self._as_user,
        )
        (folder / "data" / "pg_hba.conf").write_text(_WHO)

    @property
    def address(self) -> str:
        """With the database `postgres` and a superuser."""
        return f"postgresql://nago@/postgres?host={self._folder}"

    def start(self) -> None:
        """Returns when it answers."""
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        settings.append(f"--listen_addresses={self._listen_addresses}")
        with (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", "-k", self._folder, *settings],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._as_user,
            )
        _wait(self._process, self.address, self._folder)

    @property
    def pid(self) -> int | None:
        """None where it does not run: nobody has started it, or it has ended."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def stop(self) -> None:
        """All sessions end; what was committed stays."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """At once: nothing in it is needed any more."""
        self._end(signal.SIGQUIT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=_START_SECONDS)
        self._process = None


@contextmanager
def own_server(settings: Mapping[str, str] | None = None, *, listen_addresses: str = "") -> Iterator[PostgresServer]:
    """Started, and gone at the end of the context."""
    # Not pytest's folder: the path of a Unix socket has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="nago-pg-", dir="/tmp"))
    try:
        server = PostgresServer(folder, listen_addresses=listen_addresses, settings=settings)
        try:
            server.start()
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def server() -> Iterator[str]:
    """Its address, with the database `postgres` and a superuser, as long as the context is open."""
    with own_server() as started:
        yield started.address


def _programs() -> Path:
    """Of NAGO_TEST_POSTGRESQL, a folder, or those that are installed."""
    given = os.environ.get("NAGO_TEST_POSTGRESQL")
    if given is not None:
        return Path(given).resolve()
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    beside = shutil.which("initdb")
    if not found and beside is None:
        raise PostgresMissingError(_MISSING)
    return (found[-1] if found else Path(str(beside)).resolve()).parent


def as_unprivileged(folder: Path) -> dict[str, Any]:
    """Arguments of `subprocess` that leave root behind; the folder becomes that user's."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _wait(process: subprocess.Popen[bytes], address: str, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg2.connect(address).close()
            return
        except psycopg2.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise PostgresMissingError(f"PostgreSQL did not start: {(folder / 'log').read_text()}") from error
        time.sleep(0.05)
