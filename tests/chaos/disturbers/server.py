"""The database's server: stopped, crashed, frozen, or its connections ended."""

from __future__ import annotations

import signal
from contextlib import suppress

import psutil
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests.chaos.course import Done, NoTargetError
from tests.chaos.plan import Disturbance
from tests.chaos.scene import Scene
from tests.postgres_server import PostgresServer
from tests.waiting import until

_END_ALL = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


def end_connections(scene: Scene, _disturbance: Disturbance) -> Done:
    _running(scene)
    try:
        with scene.database.engine.connect() as connection:
            return Done(f"{connection.scalar(_END_ALL)} connections")
    except SQLAlchemyError:
        raise NoTargetError from None


def restart(scene: Scene, _disturbance: Disturbance) -> Done:
    server = _running(scene)
    server.stop()
    return Done("stopped", server.start)


def crash(scene: Scene, _disturbance: Disturbance) -> Done:
    """It ends without a word and has to recover from its log."""
    server = _running(scene)
    server.kill()
    return Done("crashed", server.start)


def freeze(scene: Scene, _disturbance: Disturbance) -> Done:
    """All its connections stay open, and nobody answers."""
    server = psutil.Process(_running(scene).pid)
    parts = [server, *server.children(recursive=True)]
    for part in parts:
        with suppress(psutil.NoSuchProcess):
            part.send_signal(signal.SIGSTOP)
    # A signal takes effect later: a question that is asked meanwhile would hang until the end of the disturbance.
    until(lambda: not scene.database.may_answer())

    def undo() -> None:
        for part in parts:
            with suppress(psutil.NoSuchProcess):
                part.send_signal(signal.SIGCONT)

    return Done(f"{len(parts)} processes", undo)


def _running(scene: Scene) -> PostgresServer:
    server = scene.database.server
    if server is None or not scene.database.may_answer():
        raise NoTargetError
    return server
