"""What the loop needs of a place where attempts run. Implementations: local processes, Kubernetes Jobs.

tests/contracts/test_executor.py has the tests that every implementation has to pass.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from nago_orchestrator.domain.attempts import Observation
from nago_orchestrator.domain.credentials import Credentials
from nago_trainer.contract.task import DatasetSettings, TrialTask

LOG_TAIL_LINES = 30
"""How much of a failed attempt's log its observation holds."""
LOG_TAIL_BYTES = 16_384


class DataJobs(Protocol):
    """Of an executor whose trainers alone see the images: it `observe`s and `stop`s a check like an attempt."""

    @property
    def memory_of_trials(self) -> float | None:
        """Bytes that the study file gives each trial; None where they are computed."""
        ...

    def start_data_check(self, name: str, dataset: DatasetSettings, *, anew: bool = False) -> None:
        """Begin the check called `name`, whose observation has the answer at its end. Idempotent, as `start`.

        `anew`: nothing that an earlier one found counts.
        """
        ...


class Executor(Protocol):
    """Every method may raise ExecutorError: nothing is lost, the loop tries again."""

    @property
    def name(self) -> str: ...

    @property
    def reads_stored_tasks(self) -> bool:
        """Whether its trainers read their task from the attempt's row, which then has to hold it."""
        ...

    def credentials(self, name: str) -> Credentials:
        """What the attempt called `name` is to have, before its row is written.

        The same every time, also by another process, where its trainer reads a stored task.
        """
        ...

    def start(self, name: str, task: TrialTask) -> None:
        """Begin the attempt called `name`. Idempotent: an attempt that exists already is left alone."""
        ...

    def start_all(self, tasks: Mapping[str, TrialTask]) -> None:
        """Begin several attempts, by name. All are tried.

        That one is refused is what `observe` says of it. Raises ExecutorError, at the end, for what concerns all.
        """
        ...

    def observe(self, names: Collection[str]) -> Mapping[str, Observation]:
        """Look at the attempts that are not over; every name gets an observation, unknown ones are absent.

        What runs for the study under any other name may be ended: it belongs to no live attempt.
        """
        ...

    def has_news(self) -> bool:
        """Whether `observe` may see something that it did not see last time; asked many times a second."""
        ...

    def stop(self, name: str, *, grace_seconds: float) -> None:
        """End the attempt: politely, then by force. Idempotent; an attempt that is over is left alone."""
        ...

    def close(self) -> None:
        """Release the executor's own resources; running attempts continue."""
        ...
