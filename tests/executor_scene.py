"""An attempt and the executor that sees to it, on the tests' own API server; time goes as fast as a test wants."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.executors.kubernetes.api.errors import ApiError
from nago_orchestrator.executors.kubernetes.api.watch import WatchTiming
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.timing import ExecutorTiming
from nago_trainer.contract.back_off import BackOff
from tests.waiting import PATIENCE_SECONDS, until

NAME = "small-t00012-a1"
TIMING = ExecutorTiming(
    first_list_seconds=PATIENCE_SECONDS,
    request_seconds=PATIENCE_SECONDS,
    watch=WatchTiming(back_off=BackOff(0.02, 0.1)),
)
"""What comes of a request is seen by the same observation, however slow the machine is."""
Make = Callable[..., KubernetesExecutor]
"""Takes an ExecutorTiming other than `TIMING`."""


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, **duration: float) -> None:
        self.ahead += timedelta(**duration)


def seen_in(
    executor: KubernetesExecutor,
    phase: Phase,
    clock: Clock,
    name: str = NAME,
    *,
    endures: tuple[type[ApiError], ...] = (),
) -> Observation:
    """What is seen once it is in that phase; looks that raise an error of `endures` are repeated, as the loop does."""
    seen: list[Observation] = []

    def is_seen() -> bool:
        with suppress(*endures):
            seen[:] = [executor.observe([name])[name]]
            if seen[0].phase is phase:
                return True
        clock.advance(seconds=6)
        return False

    until(is_seen, lambda: f"never {phase}, but {seen}")
    return seen[0]
