"""Runs in a trainer's place and tries what its login may not do, or may do and should not. It needs psycopg2 alone.

    NAGO_DATABASE_URL=postgresql://... python program.py SECONDS

For SECONDS it holds its trial's row by a result that it never commits, and as many connections as it gets. It leaves
no result: whatever becomes of its own attempt, the study ends as if it had not been there.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path

import psycopg2

RESULT = {
    "validation_accuracy": 0.9999,
    "validation_loss": 0.001,
    "diverged": False,
    "epochs": 2,
    "seconds": 1.0,
    "seconds_to_first_step": 1.0,
    "parameters": 1,
    "device": "cpu",
    "network": None,
}
NO_RESULTS = (
    {**RESULT, "validation_accuracy": 7.0},
    {**RESULT, "seconds": -1},
    {**RESULT, "epochs": 10**30},
    {**RESULT, "device": "x" * 20_000_000},
    {**RESULT, "diverged": "perhaps"},
    ["result"],
)
OF_OTHERS = (
    "SELECT * FROM attempt",
    "UPDATE attempt SET login = session_user",
    "DELETE FROM result",
    "UPDATE lease SET token = token + 1000, holder = 'me'",
    "LOCK TABLE attempt IN ACCESS SHARE MODE",
    "LOCK TABLE lease IN ACCESS EXCLUSIVE MODE",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
    "ALTER ROLE nago PASSWORD 'mine'",
    "ALTER ROLE nago_trainer SET search_path = 'evil'",
    "ALTER ROLE ALL SET statement_timeout = 1",
    "ALTER SYSTEM SET max_connections = 1",
    "CREATE TABLE public.attempt_of_mine (a integer)",
    "DROP OWNED BY nago",
)
OF_ITS_OWN = (
    "SELECT pg_advisory_lock(number) FROM generate_series(1, 50) AS number",
    "SELECT pg_advisory_lock_shared(1, number) FROM generate_series(1, 50) AS number",
    "LISTEN nago",
    "SELECT pg_notify('nago', repeat('x', 7000) || number) FROM generate_series(1, 100) AS number",
    "SELECT lo_create(0)",
    "CREATE TEMP TABLE attempt (id integer)",
    "ALTER ROLE CURRENT_USER SET search_path = 'pg_temp'",
    "ALTER ROLE CURRENT_USER SET statement_timeout = 1",
)
NO_MESSAGES = (b'{"result": {"validation_accuracy": 7.0}}', b"[" * 4096, bytes(range(256)) * 16)


def main(seconds: float) -> None:
    address = os.environ["NAGO_DATABASE_URL"].replace("postgresql+psycopg2", "postgresql")
    sessions: list[psycopg2.extensions.connection] = []
    with contextlib.suppress(psycopg2.Error):
        while len(sessions) < 20:
            sessions.append(psycopg2.connect(address, connect_timeout=10))
            sessions[-1].autocommit = True
    for session in sessions[:1]:
        _try_everything(session)
        _hold(session, seconds)
    own = int(time.time())
    with contextlib.suppress(OSError):
        Path("/dev/termination-log").write_bytes(NO_MESSAGES[own % len(NO_MESSAGES)])


def _try_everything(session: psycopg2.extensions.connection) -> None:
    statements: list[tuple[str, tuple[str, ...]]] = [(statement, ()) for statement in OF_OTHERS + OF_ITS_OWN]
    statements += [("SELECT nago_add_result(%s::jsonb)", (json.dumps(one),)) for one in NO_RESULTS]
    statements += [("SELECT nago_add_epoch(%s::jsonb)", (json.dumps({"epoch": -1}),))]
    for statement, values in statements:
        with contextlib.suppress(psycopg2.Error), session.cursor() as cursor:
            cursor.execute(statement, values or None)


def _hold(session: psycopg2.extensions.connection, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    with contextlib.suppress(psycopg2.Error), session.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT nago_add_result(%s::jsonb)", (json.dumps(RESULT),))
        while time.monotonic() < deadline:
            time.sleep(0.5)
            cursor.execute("SELECT 1")
        cursor.execute("ROLLBACK")


if __name__ == "__main__":
    main(float(sys.argv[1]))
