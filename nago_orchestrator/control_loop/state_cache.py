"""The study's rows as its loop knows them: read whole at first, then only what has changed or is not final.

Who runs a study is the only one to move its trials and attempts, so it knows which rows its own actions touch; what
others may do, the store's pulse shows. What is final stays as it is: a tick reads none of it, however much there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nago_orchestrator.control_loop.actions import (
    AcceptResult,
    Action,
    BeginDataCheck,
    CancelQueued,
    DiscardResult,
    EndAttempt,
    EndDataCheck,
    MarkRunning,
    NoteDataCheck,
    NoteWaiting,
    StartAttempt,
    StopDataCheck,
    Tell,
)
from nago_orchestrator.control_loop.planner import Spent
from nago_orchestrator.domain.attempts import Attempt
from nago_orchestrator.domain.data_checks import DataCheck
from nago_orchestrator.domain.ends import Ends
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.domain.trials import Trial

if TYPE_CHECKING:  # given from outside
    from nago_orchestrator.store.changes import Pulse
    from nago_orchestrator.store.store import Store

LONGEST_AGE = timedelta(seconds=60)
"""After which all that is not final is read again, whatever seems to have changed."""
JUDGED = (TrialState.SUCCEEDED, TrialState.INFEASIBLE, TrialState.FAILED)
"""How a trial ends by itself."""


class StateCache:
    def __init__(self, store: Store, study_id: int) -> None:
        self._store = store
        self._study_id = study_id
        self._read_at: datetime | None = None
        self._pulse: Pulse | None = None
        self._active: dict[int, Trial] = {}
        """By id, those that are not final."""
        self._open: dict[int, set[int]] = {}
        """By number, the proposals without an evaluation; of each the ids of its trials that are not final."""
        self._counts: Counter[TrialState] = Counter()
        self._newest = -1
        """The largest number of a trial that is counted."""
        self._touched: set[int] = set()
        """Ids of trials that our own actions have changed since they were read."""
        self._ends: Ends | None = None
        """None until they are asked for; they are read from all rows once, and then added to."""
        self._ended: set[int] = set()
        """Ids of attempts that have ended since."""
        self._data_checks: tuple[DataCheck, ...] | None = None
        """None when one has begun or changed since."""

    @property
    def study_state(self) -> StudyState:
        """As `refresh` found it."""
        return self._last_pulse.state

    @property
    def changed_at(self) -> datetime:
        """When the study came into its state."""
        return self._last_pulse.changed_at

    @property
    def has_begun(self) -> bool:
        """Whether there is a trial."""
        return self._counts.total() > 0

    @property
    def data_checks(self) -> tuple[DataCheck, ...]:
        """From the last one that ended well, oldest first. Raises DatabaseError."""
        if self._data_checks is None:
            self._data_checks = self._store.data_checks.last(self._study_id)
        return self._data_checks

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Those that are not final, in the order of their numbers."""
        return tuple(sorted(self._active.values(), key=lambda trial: trial.number))

    @property
    def ready(self) -> tuple[int, ...]:
        """The proposals whose trials are all final and that have no evaluation yet."""
        return tuple(sorted(number for number, going in self._open.items() if not going))

    def refresh(self, now: datetime) -> None:
        """Read what has changed. Raises DatabaseError."""
        pulse = self._store.pulse(self._study_id)
        if self._read_at is None or self._is_moved(pulse):
            self._read_all(pulse, now)
            return
        if now - self._read_at >= LONGEST_AGE:
            self._touched |= self._active.keys()
            self._read_at = now
        fresh = pulse.results - {trial.id for trial in self._active.values() if trial.result is not None}
        beyond = self._newest if pulse.newest_trial > self._newest else None
        if fresh or self._touched or beyond is not None:
            self._update(self._store.some_trials(self._study_id, ids=fresh | self._touched, beyond=beyond))
            self._touched.clear()
        self._pulse = pulse

    def is_current(self) -> bool:
        """Whether nothing has come from outside since the last refresh. Raises DatabaseError."""
        return self._pulse is not None and self._store.pulse(self._study_id) == self._pulse

    def read_again(self, ids: Collection[int]) -> None:
        """These trials, for the epochs that their trainers have stored since. Raises DatabaseError."""
        if ids:
            self._update(self._store.some_trials(self._study_id, ids=ids, beyond=None))

    def note(self, action: Action) -> None:
        """What is about to be done changes these rows."""
        match action:
            case StartAttempt() | MarkRunning() | NoteWaiting():
                self._touched.add(action.trial.id)
            case AcceptResult(attempt=attempt) | EndAttempt(attempt=attempt):
                self._touched.add(action.trial.id)
                self._note_end(attempt)
            case DiscardResult():
                self._touched.add(action.trial.id)
            case Tell():
                self._open.pop(action.proposal, None)
            case CancelQueued():
                self._touched |= self._active.keys()
            case BeginDataCheck() | NoteDataCheck() | EndDataCheck() | StopDataCheck():
                self._data_checks = None

    def _note_end(self, attempt: Attempt) -> None:
        if attempt.state.is_final:
            self._ends = None  # a result that comes late: its attempt counted as a failed one
        elif self._ends is not None:
            self._ended.add(attempt.id)

    def spent(self, *, gpu_limit: bool, ran: timedelta = timedelta(0)) -> Spent:
        """As of the last refresh. `gpu_limit`: whether GPU time matters, which is summed over all attempts.

        `ran`: how long the study has run, which no row says.

        Raises DatabaseError.
        """
        counts = self._counts
        ends = self._all_ends() if gpu_limit or counts[TrialState.FAILED] else None
        # Without failures there is nothing to be judged by what happened lately.
        recent = counts if ends is None else ends.trials
        return Spent(
            trials=counts.total(),
            succeeded=counts[TrialState.SUCCEEDED],
            infeasible=counts[TrialState.INFEASIBLE],
            failed=counts[TrialState.FAILED],
            recent_ended=sum(recent.get(state, 0) for state in JUDGED),
            recent_failed=recent.get(TrialState.FAILED, 0),
            gpu_seconds=0.0 if ends is None else ends.gpu_seconds,
            ran=ran,
            common_failure=None if ends is None else ends.common_failure,
        )

    def _all_ends(self) -> Ends:
        if self._ends is None:
            self._ends = self._store.all_ends(self._study_id)
        elif self._ended:
            self._ends += self._store.ends_of(self._ended)
        self._ended.clear()
        return self._ends

    @property
    def _last_pulse(self) -> Pulse:
        if self._pulse is None:
            raise RuntimeError("refresh comes first")
        return self._pulse

    def _is_moved(self, pulse: Pulse) -> bool:
        before = self._pulse
        return before is None or (before.state, before.changed_at) != (pulse.state, pulse.changed_at)

    def _read_all(self, pulse: Pulse, now: datetime) -> None:
        """In this order: what others add meanwhile is beyond what was counted, and found by the next refresh."""
        open_ = self._store.unevaluated_proposals(self._study_id)
        self._counts = Counter(self._store.trial_counts(self._study_id))
        self._newest = self._counts.total() - 1
        active = self._store.active_trials(self._study_id)
        self._active = {trial.id: trial for trial in active if trial.number <= self._newest}
        self._open = {number: set() for number in open_}
        for trial in self._active.values():
            self._open.setdefault(trial.proposal, set()).add(trial.id)
        self._touched.clear()
        self._ends = None
        self._pulse, self._read_at = pulse, now

    def _update(self, trials: Iterable[Trial]) -> None:
        for trial in trials:
            self._newest = max(self._newest, trial.number)
            before = self._active.pop(trial.id, None)
            if before is not None:
                self._counts[before.state] -= 1
            elif trial.state.is_final and self._ends is not None:  # infeasible from the start, without an attempt
                self._ends += Ends(trials={trial.state: 1}, causes={}, gpu_seconds=0.0)
            self._counts[trial.state] += 1
            going = self._open.setdefault(trial.proposal, set())
            if trial.state.is_final:
                going.discard(trial.id)
            else:
                self._active[trial.id] = trial
                going.add(trial.id)
