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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_MISSING = (
    "The tests need PostgreSQL's server programs: run `apt-get install postgresql`, "
    "or give the address of a server in NAGO_TEST_DATABASE_URL (its user must be allowed to create databases)."
)
_START_SECONDS = 30
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "listen_addresses": "",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "log_min_messages": "fatal",
}


class PostgresMissingError(Exception):
    pass


@contextmanager
def server() -> Iterator[str]:
    """Its address, with the database `postgres` and a superuser, as long as the context is open."""
    programs = _programs()
    # Not pytest's folder: the path of a Unix socket has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="nago-pg-", dir="/tmp"))
    as_user = _unprivileged(folder)
    data = folder / "data"
    try:
        options = ["-U", "nago", "-E", "UTF8", "--locale=C", "-A", "trust", "-N"]
        subprocess.run(
            [programs / "initdb", "-D", data, *options], check=True, capture_output=True, cwd=folder, **as_user
        )
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", folder, *settings],
                stdout=log,
                stderr=log,
                cwd=folder,
                **as_user,
            )
        try:
            _wait(process, programs / "pg_isready", folder)
            yield f"postgresql://nago@/postgres?host={folder}"
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nothing in it is needed any more
            process.wait(timeout=_START_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    beside = shutil.which("initdb")
    if not found and beside is None:
        raise PostgresMissingError(_MISSING)
    return (found[-1] if found else Path(str(beside)).resolve()).parent


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Arguments of `subprocess` that leave root behind; the folder becomes that user's."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _wait(process: subprocess.Popen[bytes], ready: Path, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while subprocess.run([ready, "-q", "-h", folder], check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise PostgresMissingError(f"PostgreSQL did not start: {(folder / 'log').read_text()}")
        time.sleep(0.05)
