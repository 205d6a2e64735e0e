"""Keeps a lease of PostgreSQL while its holder works: one small statement every few seconds, in a thread of its own.

The loop may think for minutes about the next proposal, and the lease must stand meanwhile.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.engine import describe
from nago_orchestrator.store.lease_rows import Fence, renew, taken_over_now

_HASTE = 5
"""A renewal that failed is tried again so many times as soon as the next one would have been due."""


class Renewal:
    """The hold on a lease of PostgreSQL."""

    def __init__(self, engine: Engine, fence: Fence, term: timedelta, pause: timedelta, *, sure_since: float) -> None:
        self.fence = fence
        self._engine = engine
        self._term, self._pause = term.total_seconds(), pause.total_seconds()
        self._sure_until = sure_since + self._term
        self._is_lost = False
        self._one_at_a_time = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{fence.study_id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def still_held(self) -> bool:
        """Asks the database only where the last renewal is older than the term: after a freeze, or an outage.

        Raises TakenOverError once another process has taken it, DatabaseError where the database does not answer.
        """
        with translated(describe(self._engine.url)):
            if not self._is_lost and self.clock() >= self._sure_until:
                self._renew()
            if self._is_lost:
                raise taken_over_now(self._engine, self.fence.study_id)
        return True

    @staticmethod
    def clock() -> float:
        """In seconds; goes on while the machine sleeps, where the system has such a clock."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

    def _keep(self) -> None:
        pause = self._pause
        while not self._ended.wait(pause) and not self._is_lost:
            try:
                self._renew()
                pause = self._pause
            except SQLAlchemyError:  # whoever works finds out by itself; here it is only tried again
                pause = self._pause / _HASTE

    def _renew(self) -> None:
        with self._one_at_a_time:
            sent = self.clock()  # before the request: the database counts its term from later on
            if renew(self._engine, self.fence):
                self._sure_until = sent + self._term
            else:
                self._is_lost = True
