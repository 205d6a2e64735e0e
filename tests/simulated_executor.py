"""An executor whose trainings are computed on the spot: for tests of the loop that need hundreds of trials or failures.

A training's accuracy is a fixed function of its task, so that two runs of one study must find the same values.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.credentials import Credentials
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.contract.task import TrialTask

Script = Callable[[TrialTask], Observation]
"""What is seen of an attempt once it has ended."""


def accuracy_of(task: TrialTask) -> float:
    """In [0, 1); by architecture and epochs alone."""
    digest = hashlib.sha256(f"{task.architecture}{task.epochs}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32


def succeed(task: TrialTask) -> Observation:
    accuracy = accuracy_of(task)
    epochs = tuple(
        EpochRecord(
            epoch=number,
            training_loss=1.0,
            training_accuracy=accuracy,
            validation_loss=1.0 - accuracy,
            validation_accuracy=accuracy,
            learning_rate=0.1,
            seconds=1.0,
        )
        for number in range(1, task.epochs + 1)
    )
    result = TrialResult(
        validation_accuracy=accuracy,
        validation_loss=1.0 - accuracy,
        diverged=False,
        epochs=task.epochs,
        seconds=float(task.epochs),
        seconds_to_first_step=0.1,
        parameters=task.parameters,
        device="simulated",
        network=None,
    )
    return Observation(phase=Phase.ENDED, epochs=epochs, result=result, exit_code=0)


class SimulatedExecutor:
    """Attempts outlive the orchestrator, as processes and Jobs do: give the same object to the next one."""

    def __init__(self, script: Script = succeed, *, looks_until_end: int = 1) -> None:
        self.script = script
        self.started: list[str] = []
        self.stopped: list[str] = []
        self._looks_until_end = looks_until_end
        self._tasks: dict[str, TrialTask] = {}
        self._looks: dict[str, int] = {}

    @property
    def name(self) -> str:
        return "simulated"

    @property
    def reads_stored_tasks(self) -> bool:
        return False

    def credentials(self, name: str) -> Credentials:
        return Credentials(token=secrets.token_hex(16))

    def start(self, name: str, task: TrialTask) -> None:
        if name not in self._tasks:
            self.started.append(name)
            self._tasks[name] = task

    def start_all(self, tasks: Mapping[str, TrialTask]) -> None:
        for name, task in tasks.items():
            self.start(name, task)

    def has_news(self) -> bool:
        """Every look is a step of the simulation."""
        return True

    def observe(self, names: Collection[str]) -> Mapping[str, Observation]:
        return {name: self._observe(name) for name in names}

    def _observe(self, name: str) -> Observation:
        if name not in self._tasks:
            return Observation(phase=Phase.ABSENT)
        self._looks[name] = self._looks.get(name, 0) + 1
        if self._looks[name] <= self._looks_until_end:
            return Observation(phase=Phase.RUNNING, uid=name)
        return self.script(self._tasks[name])

    def stop(self, name: str, *, grace_seconds: float) -> None:
        self.stopped.append(name)
        self._tasks.pop(name, None)

    def finish(self) -> None:
        """Whatever runs has ended by the next look."""
        self._looks_until_end = 0

    def close(self) -> None:
        pass
