"""The running time of the study that a loop has, kept in its row: only where `limits.wall_time` asks for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nago_orchestrator.domain.running_time import RunningTime

if TYPE_CHECKING:  # given from outside
    from nago_orchestrator.store.store import Store

STORED_EVERY = timedelta(minutes=1)
"""What an orchestrator that is killed has not counted."""


class RunningClock:
    def __init__(self, store: Store, study: str, study_id: int, *, needed: bool) -> None:
        self._store = store
        self._study = study
        self._study_id = study_id
        self._needed = needed
        self._time = RunningTime()
        self._stored = timedelta(0)

    def begin(self) -> None:
        """Whoever has had the study before has counted, too. Raises DatabaseError."""
        if self._needed:
            self._stored = timedelta(seconds=self._store.study(self._study).ran_seconds)
            self._time = RunningTime(counted=max(self._stored, self._time.counted))

    def look(self, now: datetime, *, runs: bool) -> timedelta:
        """How long the study has run. Raises DatabaseError."""
        if self._needed:
            self._time = self._time.at(now, runs=runs)
            if self._time.counted >= self._stored + STORED_EVERY:
                self.store()
        return self._time.counted

    def store(self) -> None:
        """Raises DatabaseError."""
        if self._time.counted > self._stored:
            self._store.note_running_time(self._study_id, self._time.counted.total_seconds())
            self._stored = self._time.counted
