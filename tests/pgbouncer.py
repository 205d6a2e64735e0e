"""PgBouncer in transaction mode before a server: every transaction may be one of another session."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import OperationalError

from nago_orchestrator.store.engine import connect
from tests.postgres_server import as_unprivileged
from tests.waiting import PATIENCE_SECONDS

_PORT = 6432
_SETTINGS = """
[databases]
* = {server}

[pgbouncer]
pool_mode = transaction
default_pool_size = {connections}
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
logfile = {folder}/log
pidfile = {folder}/pid
server_login_retry = 1
"""


class PoolerMissingError(Exception):
    pass


@contextmanager
def pooled(address: str, *, connections: int) -> Iterator[str]:
    """The address of the same database through a pooler that has so many connections to the server."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        raise PoolerMissingError("The tests need PgBouncer: run `apt-get install pgbouncer`.")
    url = make_url(address)
    # Not pytest's folder: the path of a Unix socket has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="nago-pool-", dir="/tmp"))
    as_user = as_unprivileged(folder)
    settings = folder / "pgbouncer.ini"
    settings.write_text(_SETTINGS.format(server=_server(url), connections=connections, port=_PORT, folder=folder))
    settings.chmod(0o644)
    process = subprocess.Popen(
        [program, "-q", settings], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user
    )
    through = URL.create("postgresql", url.username, port=_PORT, database=url.database, query={"host": str(folder)})
    try:
        _wait(process, through, folder / "log")
        yield through.render_as_string(hide_password=False)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _server(url: URL) -> str:
    host = url.host or url.query.get("host")
    parts = {"host": host, "port": url.port, "user": url.username, "password": url.password}
    return " ".join(f"{name}={value}" for name, value in parts.items() if value)


def _wait(process: subprocess.Popen[bytes], address: URL, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    engine = connect(address.set(drivername="postgresql+psycopg2"))
    while True:
        try:
            engine.connect().close()
            engine.dispose()
            return
        except OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text() if log.exists() else "nothing"
                raise PoolerMissingError(f"PgBouncer did not start: {said}") from None
            time.sleep(0.05)
