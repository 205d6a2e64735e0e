"""Attempts whose Jobs the API server does not let be created now, and for how long already. Called by the executor."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import Failure


@dataclass(frozen=True, slots=True)
class _Refusal:
    until: datetime
    since: datetime
    message: str


class Refusals:
    """By attempt. Background requests note them while the loop reads."""

    def __init__(self, limit: timedelta, pause: timedelta) -> None:
        """`limit`: how long an attempt may be refused before it is given up; `pause`: before the next try."""
        self._limit = limit
        self._pause = pause
        self._refused: dict[str, _Refusal] = {}

    def note(self, name: str, message: str, now: datetime) -> bool:
        """Whether it is the first time in a row."""
        before = self._refused.get(name)
        self._refused[name] = _Refusal(now + self._pause, before.since if before else now, message)
        return before is None

    def forget(self, name: str) -> None:
        self._refused.pop(name, None)

    def keep_only(self, names: Collection[str]) -> None:
        for name in list(self._refused):
            if name not in names:
                self.forget(name)

    def observe(self, name: str, now: datetime) -> Observation | None:
        """Absent once it should be created again; None for one that is not refused."""
        refusal = self._refused.get(name)
        if refusal is None:
            return None
        if now - refusal.since > self._limit:
            failure = Failure.INFRASTRUCTURE
            return Observation(
                phase=Phase.ENDED, failure=failure, reason="NotCreated", message=refusal.message, ended_at=now
            )
        return Observation(phase=Phase.PENDING if now < refusal.until else Phase.ABSENT, message=refusal.message)
