"""A limit on how often something may be done: so many at once, so many a second in the long run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """Starts full. Safe to use from several threads, which are served in the order of their coming."""

    def __init__(
        self,
        *,
        rate: float,
        burst: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._sleep = sleep
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Waits until one more may be done."""
        with self._lock:
            now = self._clock()
            self._tokens = min(float(self._burst), self._tokens + (now - self._at) * self._rate)
            self._at = now
            self._tokens -= 1
            owed = -self._tokens / self._rate
        if owed > 0:
            self._sleep(owed)
