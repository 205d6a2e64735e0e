"""The database of a disturbed study: a file, or a server of its own on a disk of its own, behind a cable."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2
from sqlalchemy import URL, Engine

from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.versions import upgrade
from tests.chaos.network import Cable, cable
from tests.chaos.plan import Ground, Round, Setup
from tests.chaos.small_disk import may_mount, small_disk
from tests.pgbouncer import pooled
from tests.postgres_server import PostgresServer

_SERVER_MEGABYTES = 320
POOLED_CONNECTIONS = 3
_CHAOS_NETWORKS = "10.64.0.0/10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    address: str
    """As the orchestrators have it."""
    engine: Engine
    """For the tests, past the cable."""
    server: PostgresServer | None
    disk: Path | None
    """The server's own."""
    cable: Cable | None
    is_pooled: bool = False
    """Through a pooler, which keeps sessions of its own."""

    def may_answer(self) -> bool:
        """Whether a question ends: a file is there, a server runs and does not stand still."""
        if self.server is None:
            return Path(self.address).exists()
        pid = self.server.pid
        return pid is not None and str(psutil.Process(pid).status()) != psutil.STATUS_STOPPED


@contextmanager
def database(planned: Round, study_disk: Path) -> Iterator[Database]:
    with ExitStack() as stack:
        made = _file(study_disk) if planned.ground is Ground.SQLITE else _server(stack, planned.setup)
        stack.callback(made.engine.dispose)
        upgrade(made.engine.url.render_as_string(hide_password=False))
        yield made


def _file(study_disk: Path) -> Database:
    address = str(study_disk / "nago.sqlite")
    return Database(address=address, engine=connect(address), server=None, disk=None, cable=None)


def _server(stack: ExitStack, setup: Setup) -> Database:
    # Not pytest's folder: the path of a Unix socket has 107 bytes at most.
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nago-chaos-", dir="/tmp")))
    stack.enter_context(small_disk(folder, megabytes=_SERVER_MEGABYTES))
    is_pooled = setup is Setup.POOLED
    wire = stack.enter_context(cable()) if may_mount() and not is_pooled else None  # a pooler has a socket alone
    server = PostgresServer(folder, listen_addresses=wire.outer if wire else "")
    with (folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {_CHAOS_NETWORKS} trust\n")
    stack.callback(server.kill)
    server.start()
    with psycopg2.connect(server.address) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE ROLE nago_trainer NOLOGIN")
    connection.close()
    address = server.address
    if is_pooled:
        address = stack.enter_context(pooled(address, connections=POOLED_CONNECTIONS))
    if wire is not None:
        address = URL.create("postgresql", "nago", host=wire.outer, database="postgres").render_as_string()
    return Database(
        address=address, engine=connect(server.address), server=server, disk=folder, cable=wire, is_pooled=is_pooled
    )
