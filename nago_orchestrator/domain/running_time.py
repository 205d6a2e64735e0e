"""How long a study has run: the time in which an orchestrator had it and it was not paused. Pure; time is an argument.

What is counted are the steps between two looks. A clock that is set back therefore takes nothing away, and one that is
set forward, or a process that stood still, adds at most `LONGEST_STEP`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

LONGEST_STEP = timedelta(minutes=10)
"""Between two looks of an orchestrator that runs; a fit of a surrogate is in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTime:
    counted: timedelta = timedelta(0)
    last_look: datetime | None = None
    """None: it does not run at present."""

    def at(self, now: datetime, *, runs: bool) -> RunningTime:
        """After a look that found the study running, or not."""
        if not runs:
            return replace(self, last_look=None)
        if self.last_look is None:
            return replace(self, last_look=now)
        step = min(max(now - self.last_look, timedelta(0)), LONGEST_STEP)
        return RunningTime(counted=self.counted + step, last_look=now)
