"""The transactions of a store, of each thread its own: while it holds a study, each that writes shows its token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, Engine

from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import describe, for_reading, writing
from nago_orchestrator.store.lease_rows import Fence


class Transactions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = for_reading(engine)
        self._address = describe(engine.url)
        self._thread = _OfThread()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread reads and writes inside is one transaction, which the first of it begins.

        All of it or nothing: an error that leaves the context undoes what was written inside. Not nested. Nothing slow
        belongs inside: on SQLite everybody else who writes waits for its end.
        """
        with ExitStack() as stack:
            self._thread.stack = stack
            try:
                yield
            finally:
                self._thread.stack = self._thread.connection = None

    @contextmanager
    def fenced(self, fence: Fence) -> Iterator[None]:
        """What this thread writes inside is refused once another process has taken the study. Not nested."""
        self._thread.fence = fence
        try:
            yield
        finally:
            self._thread.fence = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self._thread.stack is None:
            with self._begin() as connection:
                yield connection
            return
        if self._thread.connection is None:
            self._thread.connection = self._thread.stack.enter_context(self._begin())
        with translated(self._address):
            yield self._thread.connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        if self._thread.stack is not None:
            with self.write() as connection:
                yield connection
            return
        with translated(self._address), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """The one place where writing begins."""
        with translated(self._address), writing(self._engine) as connection:
            if self._thread.fence is not None:
                self._thread.fence.check(connection)
            yield connection


class _OfThread(threading.local):
    """What a thread has opened by `together` and `fenced`."""

    stack: ExitStack | None = None
    """Ends the transaction."""
    connection: Connection | None = None
    """None until something is read or written."""
    fence: Fence | None = None
    """None while it holds no study."""
