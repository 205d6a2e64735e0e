"""What the loop holds while it runs one study: its parts, its rules, and what it remembers and may forget."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from nago_orchestrator.control_loop.events import Event, EventKind
from nago_orchestrator.control_loop.state_cache import Facts
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import Proposal
from nago_orchestrator.domain.trials import NewTrial, TrainingRecipe, TrialDesign

if TYPE_CHECKING:  # the parts are given from outside; the loop knows their shapes only
    from nago_orchestrator.control_loop.planner import Rules
    from nago_orchestrator.control_loop.trial_sampling import Draw
    from nago_orchestrator.executors.port import Executor
    from nago_orchestrator.search.proposers.port import Proposer
    from nago_orchestrator.store.lock import Hold
    from nago_orchestrator.store.store import Store
    from nago_trainer.contract.task import TrialTask


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


@dataclass(frozen=True, slots=True)
class Asked:
    """A proposal and the trials that were drawn for it."""

    proposal: Proposal
    trials: tuple[NewTrial, ...]


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
    asked: list[Asked] = field(default_factory=list)
    """What has no row yet."""
    _untold: list[Event] | None = field(init=False, default=None)
    """What is to be told at the end of a transaction."""

    def recall(self) -> None:
        """Forget what the proposer learned in this process and rebuild it from the rows.

        Needed whenever memory and rows may differ: at the start, and after a write of which nobody knows whether it
        happened. Raises DatabaseError, and HistoryError if the rows contradict each other.
        """
        self.proposer, self.told = self.remember()
        self.waiting = self.exhausted = False
        self.facts = Facts(self.store, self.study_id)
        self.begun.clear()  # their rows tell
        self.asked.clear()  # proposed again, as they were
        self.stored_epochs.clear()  # those that are there are not stored twice

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside is one transaction; what is emitted inside is told when it stands. Not nested.

        An event is never told twice; one whose commit went unheard is not told at all.
        """
        self._untold = []
        try:
            with self.store.together():
                yield
            told = self._untold
        finally:
            self._untold = None
        for event in told:
            self.on_event(event)

    def recipe_of(self, design: TrialDesign) -> TrainingRecipe:
        return self.final_recipe if design.final else self.recipe

    def emit(self, kind: EventKind, message: str, **facts: int | float | None) -> None:
        event = Event(kind=kind, at=self.clock(), message=message, **facts)  # type: ignore[arg-type]  # facts are Event's own numeric fields
        if self._untold is None:
            self.on_event(event)
        else:
            self._untold.append(event)
