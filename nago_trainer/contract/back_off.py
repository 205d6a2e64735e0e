"""How long both programs wait before they try again what has failed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackOff:
    """Exponential: doubles with each failure in a row, up to a longest pause. In seconds."""

    first: float
    longest: float

    def pause(self, failures: int) -> float:
        """After so many failures in a row before this one."""
        return min(self.first * 2.0 ** min(failures, 30), self.longest)

    def jittered(self, failures: int, jitter: Callable[[], float] = random.random) -> float:
        """The same between a half and one and a half times as long, so that many clients do not return at once."""
        return self.pause(failures) * (0.5 + jitter())
