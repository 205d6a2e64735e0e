"""What the loop holds while it runs one study: its parts, its rules, and what it remembers and may forget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from nago_orchestrator.domain import Objective, TrainingRecipe, TrialDesign
from nago_orchestrator.events import Event, EventKind
from nago_orchestrator.facts import Facts

if TYPE_CHECKING:  # the parts are given from outside; the loop knows their shapes only
    from nago_orchestrator.draws import Draw
    from nago_orchestrator.executors.port import Executor
    from nago_orchestrator.proposers.port import Proposer
    from nago_orchestrator.reconcile import Rules
    from nago_orchestrator.store.lock import Hold
    from nago_orchestrator.store.store import Store
    from nago_trainer.contract import TrialTask


class StopSignal:
    """How the outside asks a running loop to end: let running trials finish, stop them at once, or let them run on."""

    def __init__(self, leave: threading.Event | None = None) -> None:
        """`leave`, when set, ends the loop while its trials run on: the next orchestrator adopts them."""
        self._requested = threading.Event()
        self._aborted = threading.Event()
        self._leave = leave or threading.Event()

    def request(self) -> None:
        self._requested.set()

    def abort(self) -> None:
        self._aborted.set()

    @property
    def left(self) -> bool:
        return self._leave.is_set()

    @property
    def aborted(self) -> bool:
        return self._aborted.is_set()

    @property
    def requested(self) -> bool:
        """Whether to end in any of the three ways."""
        return self._requested.is_set() or self.aborted or self.left


@dataclass(kw_only=True)
class Session:
    study_id: int
    study: str
    draw: Draw
    recipe: TrainingRecipe
    final_recipe: TrainingRecipe
    """Of full training, after the search."""
    objectives: tuple[Objective, ...]
    rules: Rules
    gpus: int
    store: Store
    executor: Executor
    stop: StopSignal
    on_event: Callable[[Event], None]
    clock: Callable[[], datetime]
    new_token: Callable[[], str]
    hold: Callable[[], AbstractContextManager[Hold]]
    """Takes the right to run the study; raises HeldError while somebody else has it."""
    remember: Callable[[], tuple[Proposer, int]]
    """From the rows: a proposer that stands where the study stands, and how many evaluations it was told."""
    on_tick: Callable[[float], None] = lambda seconds: None
    """Told how long each look and what followed from it took."""
    proposer: Proposer = field(init=False)
    """Set by `recall`, as is `told`."""
    told: int = field(init=False, default=0)
    """How many evaluations the proposer has been told."""
    waiting: bool = False
    """The proposer answered that it waits; forgotten when it is told something."""
    exhausted: bool = False
    stored_epochs: dict[str, int] = field(default_factory=dict)
    """By attempt, how many epochs are in the store already."""
    facts: Facts = field(init=False)
    """Set by `recall`."""
    begun: dict[str, TrialTask] = field(default_factory=dict)
    """By attempt, what has a row and is to begin now."""

    def recall(self) -> None:
        """Forget what the proposer learned in this process and rebuild it from the rows.

        Needed whenever memory and rows may differ: at the start, and after a write of which nobody knows whether it
        happened. Raises DatabaseError, and HistoryError if the rows contradict each other.
        """
        self.proposer, self.told = self.remember()
        self.waiting = self.exhausted = False
        self.facts = Facts(self.store, self.study_id)
        self.begun.clear()  # their rows tell

    def recipe_of(self, design: TrialDesign) -> TrainingRecipe:
        return self.final_recipe if design.final else self.recipe

    def emit(self, kind: EventKind, message: str, **facts: int | float | None) -> None:
        self.on_event(Event(kind=kind, at=self.clock(), message=message, **facts))  # type: ignore[arg-type]  # facts are Event's own numeric fields
