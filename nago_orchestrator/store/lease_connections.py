"""Connections for leases alone: however long the transactions of the loops take, their leases are renewed in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from nago_orchestrator.store.engine import connect, sqlite_path

CONNECTIONS = 2
"""A renewal takes milliseconds: two are enough for hundreds of studies."""


class LeaseConnections:
    """Of one store; open while it holds a study."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._guard = threading.Lock()
        self._own: Engine | None = None
        self._users = 0

    @contextmanager
    def open(self) -> Iterator[Engine]:
        """An SQLite file needs none of its own: nothing is renewed there."""
        if sqlite_path(self._engine.url) is not None:
            yield self._engine
            return
        with self._guard:
            own = self._own = self._own or connect(self._engine.url, connections=CONNECTIONS)
            self._users += 1
        try:
            yield own
        finally:
            with self._guard:
                self._users -= 1
                if self._users == 0:
                    own.dispose()
                    self._own = None
