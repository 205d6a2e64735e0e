"""The study's rows as its loop knows them: read whole at first and now and then, in between only what has changed.

Who runs a study is the only one to move its trials and attempts, so it knows which rows its own actions touch; what
others may do, the store's pulse shows. Reading everything again is always right and costs one query of each kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
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
from nago_orchestrator.domain.data_checks import DataCheck
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.domain.trials import Trial

if TYPE_CHECKING:  # given from outside
    from nago_orchestrator.store.changes import Pulse
    from nago_orchestrator.store.store import Store

LONGEST_AGE = timedelta(seconds=60)
"""After which everything is read again, whatever seems to have changed."""
JUDGED = (TrialState.SUCCEEDED, TrialState.INFEASIBLE, TrialState.FAILED)
"""How a trial ends by itself."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """What is known of trials and attempts that have ended, beyond their number."""

    recent: Mapping[TrialState, int] | None
    """Since the study began or was resumed; None: as all."""
    common_failure: str | None
    gpu_seconds: float


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
        self._touched: set[int] = set()
        """Ids of trials that our own actions have changed since they were read."""
        self._ends: _Ends | None = None
        """None when a trial or attempt has ended since."""
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
        if self._read_at is None or now - self._read_at >= LONGEST_AGE or self._is_moved(pulse):
            self._read_all(pulse, now)
            return
        fresh = pulse.results - {trial.id for trial in self._active.values() if trial.result is not None}
        if fresh or self._touched or pulse.newest_trial > self._newest:
            self._update(self._store.some_trials(self._study_id, ids=fresh | self._touched, beyond=self._newest))
            self._touched.clear()
        self._pulse = pulse

    def is_current(self) -> bool:
        """Whether nothing has come from outside since the last refresh. Raises DatabaseError."""
        return self._pulse is not None and self._store.pulse(self._study_id) == self._pulse

    def read_again(self, ids: Collection[int]) -> None:
        """These trials, for the epochs that their trainers have stored since. Raises DatabaseError."""
        if ids:
            self._update(self._store.some_trials(self._study_id, ids=ids, beyond=self._newest))

    def note(self, action: Action) -> None:
        """What is about to be done changes these rows."""
        match action:
            case StartAttempt() | MarkRunning() | NoteWaiting():
                self._touched.add(action.trial.id)
            case AcceptResult() | EndAttempt() | DiscardResult():
                self._touched.add(action.trial.id)
                self._ends = None
            case Tell():
                self._open.pop(action.proposal, None)
            case CancelQueued():
                self._read_at = None
            case BeginDataCheck() | NoteDataCheck() | EndDataCheck() | StopDataCheck():
                self._data_checks = None

    def spent(self, *, gpu_limit: bool, ran: timedelta = timedelta(0)) -> Spent:
        """As of the last refresh. `gpu_limit`: whether GPU time matters, which is summed over all attempts.

        `ran`: how long the study has run, which no row says.

        Raises DatabaseError.
        """
        if self._ends is None:
            self._ends = self._read_ends(gpu_limit)
        counts, ends = self._counts, self._ends
        return Spent(
            trials=counts.total(),
            succeeded=counts[TrialState.SUCCEEDED],
            infeasible=counts[TrialState.INFEASIBLE],
            failed=counts[TrialState.FAILED],
            recent_ended=sum((ends.recent or counts)[state] for state in JUDGED),
            recent_failed=(ends.recent or counts)[TrialState.FAILED],
            gpu_seconds=ends.gpu_seconds,
            ran=ran,
            common_failure=ends.common_failure,
        )

    @property
    def _last_pulse(self) -> Pulse:
        if self._pulse is None:
            raise RuntimeError("refresh comes first")
        return self._pulse

    def _read_ends(self, gpu_limit: bool) -> _Ends:
        """Without failures there is nothing to be judged by what happened lately."""
        failed = self._counts[TrialState.FAILED]
        return _Ends(
            recent=self._store.recent_ends(self._study_id) if failed else None,
            common_failure=self._store.common_failure(self._study_id) if failed else None,
            gpu_seconds=self._store.tally(self._study_id).gpu_seconds if gpu_limit else 0.0,
        )

    @property
    def _newest(self) -> int:
        return -1 if self._pulse is None else self._pulse.newest_trial

    def _is_moved(self, pulse: Pulse) -> bool:
        before = self._pulse
        return before is None or (before.state, before.changed_at) != (pulse.state, pulse.changed_at)

    def _read_all(self, pulse: Pulse, now: datetime) -> None:
        """The pulse was read before: whatever came in between is found twice, never missed."""
        self._active = {trial.id: trial for trial in self._store.active_trials(self._study_id)}
        self._open = {}
        for number in self._store.unevaluated_proposals(self._study_id):
            self._open[number] = {trial.id for trial in self._active.values() if trial.proposal == number}
        self._counts = Counter(self._store.trial_counts(self._study_id))
        self._touched.clear()
        self._ends = None
        self._pulse, self._read_at = pulse, now

    def _update(self, trials: Iterable[Trial]) -> None:
        for trial in trials:
            before = self._active.pop(trial.id, None)
            if before is not None:
                self._counts[before.state] -= 1
            self._counts[trial.state] += 1
            going = self._open.setdefault(trial.proposal, set())
            if trial.state.is_final:
                going.discard(trial.id)
            else:
                self._active[trial.id] = trial
                going.add(trial.id)
