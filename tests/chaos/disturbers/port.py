"""What a disturber is: it does one thing to a scene, and says what was hit and how that is undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.chaos.plan import Disturbance
from tests.chaos.scene import Scene

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done:
    target: str
    undo: Callable[[], None] | None = None
    """Called once, when the disturbance has lasted long enough."""


class NoTargetError(Exception):
    """What should be disturbed is not there at the moment."""


Disturber = Callable[[Scene, Disturbance], Done]
"""Raises NoTargetError."""


def chosen(targets: Sequence[T], disturbance: Disturbance) -> T:
    if not targets:
        raise NoTargetError
    return targets[min(int(disturbance.choice * len(targets)), len(targets) - 1)]
