"""What the loop holds while it runs one study: its parts, its rules and the two bits of memory it may forget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from nago_orchestrator.domain import Objective, TrainingRecipe
from nago_orchestrator.events import Event, EventKind

if TYPE_CHECKING:  # the parts are given from outside; the loop knows their shapes only
    from nago_orchestrator.executors.port import Executor
    from nago_orchestrator.proposers.port import Proposer
    from nago_orchestrator.reconcile import Rules
    from nago_orchestrator.space import SearchSpace
    from nago_orchestrator.store.lock import Hold
    from nago_orchestrator.store.store import Store


class StopSignal:
    """How the outside asks a running loop to end: first to let running trials finish, then to stop at once."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._aborted = threading.Event()

    def request(self) -> None:
        self._requested.set()

    def abort(self) -> None:
        self._aborted.set()
        self._requested.set()

    @property
    def requested(self) -> bool:
        return self._requested.is_set()

    @property
    def aborted(self) -> bool:
        return self._aborted.is_set()


@dataclass(kw_only=True)
class Session:
    study_id: int
    study: str
    seed: int
    space: SearchSpace
    recipe: TrainingRecipe
    objectives: tuple[Objective, ...]
    rules: Rules
    gpus: int
    store: Store
    executor: Executor
    proposer: Proposer
    stop: StopSignal
    on_event: Callable[[Event], None]
    clock: Callable[[], datetime]
    new_token: Callable[[], str]
    hold: Callable[[], AbstractContextManager[Hold]]
    """Takes the right to run the study; raises HeldError while somebody else has it."""
    told: int
    """How many evaluations the proposer has been told."""
    waiting: bool = False
    """The proposer answered that it waits; forgotten when it is told something."""
    exhausted: bool = False
    stored_epochs: dict[str, int] = field(default_factory=dict)
    """By attempt, how many epochs are in the store already."""

    def emit(self, kind: EventKind, message: str, **facts: int | float | None) -> None:
        self.on_event(Event(kind=kind, at=self.clock(), message=message, **facts))  # type: ignore[arg-type]  # facts are Event's own numeric fields
