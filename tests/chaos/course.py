"""The course of a round on any ground: waits for the study, disturbs it, undoes what has lasted long enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tests.chaos.plan import ALONE, Disturbance, Kind
from tests.waiting import PATIENCE_SECONDS

ROWS_SECONDS = 12.0
"""A study that is disturbed at the moment need not come further before the next disturbance."""
TARGET_SECONDS = 12.0
"""How long a disturbance waits for its target."""
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Done:
    target: str
    undo: Callable[[], None] | None = None
    """Called once, when the disturbance has lasted long enough."""


class NoTargetError(Exception):
    """What should be disturbed is not there at the moment."""


Disturb = Callable[[Disturbance], Done]
"""Does one thing. Raises NoTargetError."""


class Live(Protocol):
    """A study under way."""

    def rows(self) -> int | None:
        """How many it has written; None while nobody can say."""
        ...

    def look_after(self) -> None:
        """Starts what a user or a supervisor would start again."""
        ...

    def is_over(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A disturbance that took place."""

    kind: Kind
    target: str
    after_seconds: float
    """Since the round began."""


@dataclass
class Course:
    live: Live
    disturbers: Mapping[Kind, Disturb]
    began: float = field(default_factory=time.monotonic)
    applied: list[Applied] = field(default_factory=list)
    _lasting: list[tuple[float, Kind, Done]] = field(default_factory=list)
    """And until when."""

    def disturb(self, disturbance: Disturbance) -> None:
        """Nothing where the study is over, or the target does not appear."""
        wanted = (self.live.rows() or 0) + disturbance.rows
        self.wait(lambda: self.live.is_over() or (self.live.rows() or 0) >= wanted, ROWS_SECONDS)
        self.wait(lambda: False, disturbance.pause)
        if disturbance.kind in ALONE:
            self.wait(lambda: not any(kind in ALONE for _, kind, _ in self._lasting), PATIENCE_SECONDS)
        self.wait(lambda: self.live.is_over() or self._is_done(disturbance), TARGET_SECONDS)

    def wait(self, holds: Callable[[], object], seconds: float) -> bool:
        """Meanwhile what is due is undone, and the study looked after. False: in vain."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                return False
            self.undo(until=time.monotonic())
            self.live.look_after()
            time.sleep(LOOK_SECONDS)
        return True

    def wait_for_peace(self) -> None:
        """Until nothing lasts any more."""
        self.wait(lambda: not self._lasting, PATIENCE_SECONDS)

    def undo(self, *, until: float = float("inf")) -> None:
        for item in [item for item in self._lasting if item[0] <= until]:
            self._lasting.remove(item)
            if item[2].undo is not None:
                item[2].undo()

    def _is_done(self, disturbance: Disturbance) -> bool:
        try:
            done = self.disturbers[disturbance.kind](disturbance)
        except NoTargetError:
            return False
        now = time.monotonic()
        self.applied.append(Applied(kind=disturbance.kind, target=done.target, after_seconds=now - self.began))
        self._lasting.append((now + disturbance.seconds, disturbance.kind, done))
        return True
