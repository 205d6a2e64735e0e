"""Whether the API server did not answer a moment ago: it is then sent nothing but what is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Outage:
    """Shared by all that send requests for one study."""

    def __init__(self, pause: timedelta, clock: Callable[[], datetime]) -> None:
        self._pause = pause
        self._clock = clock
        self._until = datetime.min.replace(tzinfo=UTC)

    def note(self) -> None:
        """A request had no answer."""
        self._until = self._clock() + self._pause

    @property
    def is_on(self) -> bool:
        return self._clock() < self._until
