"""Stands in for the places where trials run: trainings that last a known time, in this process, without any work.

It replaces `LocalExecutor` and `KubernetesExecutor` alone, whose costs `benchmarks.trial_start` and `benchmarks.jobs`
measure: fifty fork servers with torch do not fit beside anything else on a small machine.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.credentials import Credentials
from nago_trainer.contract.task import TrialTask
from tests.simulated_executor import succeed


@dataclass(slots=True)
class _Training:
    task: TrialTask
    ends_at: float
    is_told: bool = False
    """Whether its beginning was observed."""


class TimedExecutor:
    """`seconds` says how long a trial's training lasts; infinity: it never ends."""

    name = "timed"
    reads_stored_tasks = False

    def __init__(self, seconds: Callable[[int], float]) -> None:
        self._seconds = seconds
        self._trainings: dict[str, _Training] = {}
        self.began: list[float] = []
        """When each training began, by the monotonic clock."""
        self.ended: list[float] = []
        """When each ended, whenever that was observed."""

    def credentials(self, name: str) -> Credentials:
        return Credentials(token=f"of {name}")

    def start(self, name: str, task: TrialTask) -> None:
        now = time.monotonic()
        self.began.append(now)
        ends_at = now + self._seconds(task.trial)
        self._trainings[name] = _Training(task, ends_at)
        if ends_at < math.inf:
            self.ended.append(ends_at)

    def start_all(self, tasks: Mapping[str, TrialTask]) -> None:
        for name, task in tasks.items():
            self.start(name, task)

    def has_news(self) -> bool:
        now = time.monotonic()
        return any(not training.is_told or training.ends_at <= now for training in self._trainings.values())

    def observe(self, names: Collection[str]) -> Mapping[str, Observation]:
        return {name: self._observe(name) for name in names}

    def _observe(self, name: str) -> Observation:
        training = self._trainings.get(name)
        if training is None:
            return Observation(phase=Phase.ABSENT)
        training.is_told = True
        if training.ends_at > time.monotonic():
            return Observation(phase=Phase.RUNNING, uid=name)
        del self._trainings[name]
        return succeed(training.task)

    def stop(self, name: str, *, grace_seconds: float) -> None:
        self._trainings.pop(name, None)

    def close(self) -> None:
        """Nothing is open."""
