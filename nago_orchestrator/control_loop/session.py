"""What the loop holds while it runs one study: its parts, its rules, and what it keeps in memory and can reload."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from nago_orchestrator.control_loop.events import Event, EventKind
from nago_orchestrator.control_loop.running_clock import RunningClock
from nago_orchestrator.control_loop.state_cache import StateCache
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.trials import TrainingRecipe, TrialDesign

if TYPE_CHECKING:  # the parts are given from outside; the loop knows their shapes only
    from nago_orchestrator.control_loop.actions import Action
    from nago_orchestrator.control_loop.planner import Rules
    from nago_orchestrator.control_loop.trial_sampling import TrialSampling
    from nago_orchestrator.executors.port import DataJobs, Executor
    from nago_orchestrator.search.proposers.port import Proposer
    from nago_orchestrator.store.store import Store


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


class HoldLostError(Exception):
    """The lock file was removed while the study ran."""


@dataclass(kw_only=True)
class Session:
    study_id: int
    study: str
    sampling: TrialSampling
    recipe: TrainingRecipe
    final_recipe: TrainingRecipe
    """Of final training, after the search."""
    objectives: tuple[Objective, ...]
    rules: Rules
    gpus: int
    """Of each trial."""
    gpu_share: float
    """The part that a trial has of each of its GPUs."""
    store: Store
    executor: Executor
    stop: StopSignal
    on_event: Callable[[Event], None]
    clock: Callable[[], datetime]
    holder: Callable[[], str]
    """Who this process is, for others that ask."""
    restore: Callable[[], tuple[Proposer, int]]
    """From the rows: a proposer in the state of the study, and the number of its evaluations."""
    image_changes: Callable[[], str | None] = lambda: None
    """What has changed in the images since the study began, in one sentence; None where nothing has. May raise
    ImageStorageError."""
    data_jobs: DataJobs | None = None
    """Where only the trainers see the images: checks them by a Job."""
    unneeded_checkpoints: Callable[[int], tuple[int, ...]] = lambda proposal: ()
    """Trials whose checkpoints nothing goes on from any more, as a trial of this proposal is started."""
    on_tick: Callable[[float], None] = lambda seconds: None
    """Called with the duration of each tick."""
    _still_held: Callable[[], bool] = field(init=False, default=lambda: False)
    proposer: Proposer = field(init=False)
    """Set by `reload`, as are `evaluations` and `state`."""
    evaluations: int = field(init=False, default=0)
    """How many the proposer has been told."""
    state: StateCache = field(init=False)
    waiting: bool = False
    """The proposer waits for an evaluation; reset by the next one."""
    exhausted: bool = False
    running: RunningClock = field(init=False)
    locked: set[int] = field(default_factory=set)
    """Ids of trials that the last tick had to leave, because somebody has locked their rows."""
    executed: Sequence[Action] = ()
    """By the last tick."""
    stored_epochs: dict[str, int] = field(default_factory=dict)
    """By attempt, how many epochs are in the store already."""

    def __post_init__(self) -> None:
        needed = self.rules.limits.wall_time is not None
        self.running = RunningClock(self.store, self.study, self.study_id, needed=needed)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """The study, for this thread: the store refuses what it writes once another process has taken the study.

        Raises HeldError while another orchestrator has it.
        """
        with self.store.hold(self.study_id, self.holder()) as held:
            self._still_held = held.still_held
            try:
                yield
            finally:
                self._still_held = lambda: False

    def confirm_hold(self) -> None:
        """Before anything is done outside the database, which could not refuse it; quick, as long as all is well.

        Raises HoldLostError where the study may be taken again, TakenOverError where another process has it,
        DatabaseError where nobody can say.
        """
        if not self._still_held():
            raise HoldLostError("the lock on this study was lost")

    def reload(self) -> None:
        """Forget what the proposer learned in this process and rebuild it from the rows.

        Needed whenever memory and rows may differ: at the start, and after a write whose commit is
        uncertain. Raises DatabaseError, and HistoryError if the rows contradict each other.
        """
        self.take_recipe(self.store.study(self.study).recipe)
        self.proposer, self.evaluations = self.restore()
        self.waiting = self.exhausted = False
        self.state = StateCache(self.store, self.study_id)
        self.stored_epochs.clear()  # those that are there are not stored twice

    def recipe_of(self, design: TrialDesign) -> TrainingRecipe:
        return self.final_recipe if design.final_training else self.recipe

    def take_recipe(self, recipe: TrainingRecipe) -> None:
        """With what is known of the images now, for all that is started from here on."""
        self.recipe = recipe
        self.final_recipe = replace(
            self.final_recipe, dataset=replace(recipe.dataset, measured_on=self.final_recipe.dataset.measured_on)
        )
        self.sampling = replace(self.sampling, recipe=recipe)

    def event(self, kind: EventKind, message: str, **fields: int | float | None) -> Event:
        """As of now."""
        return Event(kind=kind, at=self.clock(), message=message, **fields)  # type: ignore[arg-type]  # Event's own numeric fields
