"""What a disturber of this machine is: it does one thing to a scene, and says what was hit and how it is undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.chaos.course import Done, NoTargetError
from tests.chaos.plan import Disturbance
from tests.chaos.scene import Scene

T = TypeVar("T")

Disturber = Callable[[Scene, Disturbance], Done]
"""Raises NoTargetError."""


def chosen(targets: Sequence[T], disturbance: Disturbance) -> T:
    if not targets:
        raise NoTargetError
    return targets[min(int(disturbance.choice * len(targets)), len(targets) - 1)]
