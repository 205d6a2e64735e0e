"""The loop: read the facts, plan, carry out; again, until nothing is left to do.

Intent before effect: an attempt's row with its deterministic name is committed before its process or Job is created.
Killing the orchestrator between any two steps loses nothing; the next one finds the facts and plans from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from nago_orchestrator.control_loop.actions import AcceptResult, Ask, EndAttempt, MarkRunning
from nago_orchestrator.control_loop.events import EventKind
from nago_orchestrator.control_loop.execute import STOP_GRACE_SECONDS, carry_out, store_proposal
from nago_orchestrator.control_loop.planner import Snapshot, plan
from nago_orchestrator.control_loop.session import Session
from nago_orchestrator.domain.attempts import Observation
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.domain.trials import Trial
from nago_orchestrator.errors import DatabaseError, ExecutorError, HeldError, StaleStateError

if TYPE_CHECKING:
    from nago_orchestrator.store.lock import Hold


@dataclass(frozen=True, slots=True)
class _Rest:
    """While there is nothing to do."""

    glance_seconds: float
    """Between two questions to the executor whether it has news, which cost little."""
    glances_a_pulse: int
    """After so many the database is asked, too."""
    glances: int
    """After so many everything is looked at again: patience ends, retries come due."""


RESTS = (_Rest(0.05, 4, 40), _Rest(0.05, 10, 40), _Rest(0.2, 5, 25))
"""The first, the second and every further one in a row: the longer nothing happens, the calmer."""
LONGEST_TROUBLE_SECONDS = 300.0
"""How long the loop goes on asking a database that does not answer, or an executor that cannot work."""
LONGEST_PAUSE_SECONDS = 10.0
CALM = timedelta(seconds=10)
"""Without trouble for so long, it is over: what was asked of an executor may be refused some seconds later."""


class _HoldLostError(Exception):
    """The database forgot who runs the study, e.g. because it was restarted."""


@dataclass
class _Patience:
    """How long the database or the executor has been in trouble."""

    session: Session
    sleep: Callable[[float], None]
    seconds: float = 0.0
    since: datetime | None = None
    """When the last trouble came."""

    def note_success(self, *, advanced: bool) -> None:
        """A tick without trouble: the trouble is over if a trial advanced, or none has come for long enough."""
        if self.since is not None and (advanced or self.session.clock() - self.since >= CALM):
            self.seconds, self.since = 0.0, None

    def endure(self, error: Exception) -> None:
        """Wait a little longer each time; raises `error` when it has gone on for too long."""
        if self.seconds >= LONGEST_TROUBLE_SECONDS or self.session.stop.requested:
            raise error
        pause = min(max(self.seconds, 0.5), LONGEST_PAUSE_SECONDS)
        self.session.emit(EventKind.TROUBLE, f"{error} Trying again in {pause:.1f} s.")
        self.sleep(pause)
        self.seconds += pause
        self.since = self.session.clock()


def run(session: Session, sleep: Callable[[float], None]) -> StudyState:
    """Run the study until it ends, is paused, or the session is asked to stop. Returns the state it is left in.

    Raises HeldError if somebody else runs it, DatabaseError or ExecutorError when the database has not answered or the
    executor not worked for LONGEST_TROUBLE_SECONDS; trainers that run go on, and what they find is picked up by the
    next orchestrator.
    """
    patience = _Patience(session, sleep)
    had_hold = False
    while True:
        try:
            with session.hold() as hold:
                had_hold = True
                session.recall()  # only now: nobody else adds rows any more
                return _run_held(session, hold, patience, sleep)
        except HeldError as error:
            if not had_hold:
                raise
            patience.endure(error)  # the holder may be our own lost connection, which the server has yet to notice
        except (DatabaseError, ExecutorError, _HoldLostError) as error:
            patience.endure(error)


def _run_held(session: Session, hold: Hold, patience: _Patience, sleep: Callable[[float], None]) -> StudyState:
    rests = 0
    while True:
        if not hold.still_held():
            raise _HoldLostError("The database lost the lock on this study.")
        began = session.clock()
        try:
            done = tick(session)
        except StaleStateError:
            session.recall()  # somebody moved a row first (a pause, a cancel): look again
            continue
        patience.note_success(advanced=done.advanced)
        session.on_tick((session.clock() - began).total_seconds())
        if session.stop.left:
            return done.state
        if session.stop.aborted:
            _interrupt(session)
            return done.state
        if not done.busy and not done.live and (done.state is not StudyState.RUNNING or session.stop.requested):
            return done.state
        rests = 0 if done.busy else rests + 1
        if rests:
            _rest(session, sleep, RESTS[min(rests, len(RESTS)) - 1])


def _rest(session: Session, sleep: Callable[[float], None], rest: _Rest) -> None:
    """Until there may be something to do: executor, database or a stop say so, or it has lasted long enough."""
    asked = session.stop.requested, session.stop.aborted
    for turn in range(1, rest.glances + 1):
        sleep(rest.glance_seconds)
        if session.executor.has_news() or (session.stop.requested, session.stop.aborted) != asked:
            return
        if turn % rest.glances_a_pulse == 0 and not session.facts.is_current():
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What came of one."""

    state: StudyState
    """Of the study, as it was found."""
    busy: bool
    """Whether anything was done."""
    advanced: bool
    """Whether a trial began to run or came to an end."""
    live: bool
    """Whether anything ran."""


def tick(session: Session) -> Tick:
    """One look and what follows from it."""
    facts = session.facts
    facts.look(session.clock())
    trials = facts.trials
    snapshot = _snapshot(session, trials, _observe(session, trials))
    actions = plan(snapshot, session.rules, session.clock())
    for kind, alike in groupby(actions, key=type):
        with nullcontext() if kind is Ask else session.together():
            for action in alike:
                facts.note(action)
                carry_out(action, session)
        _store_asked(session)
        _begin(session)
    return Tick(
        state=snapshot.state,
        busy=bool(actions),
        advanced=any(isinstance(action, MarkRunning | AcceptResult | EndAttempt) for action in actions),
        live=any(trial.live_attempt for trial in trials),
    )


def _store_asked(session: Session) -> None:
    """Proposals are thought out first, which may take seconds, and then stored together."""
    if session.asked:
        with session.together():
            for asked in session.asked:
                store_proposal(asked, session)
        session.asked.clear()


def _begin(session: Session) -> None:
    """Attempts whose rows are committed; one that does not come to be is begun again by its row."""
    if session.begun:
        begun = dict(session.begun)
        session.begun.clear()
        session.executor.start_all(begun)


def _observe(session: Session, trials: tuple[Trial, ...]) -> Mapping[str, Observation]:
    live = {attempt.name: attempt.id for trial in trials if (attempt := trial.live_attempt)}
    observations = session.executor.observe(live.keys())
    with session.together():
        for name, observation in observations.items():
            stored = session.stored_epochs.get(name, 0)
            fresh = observation.epochs[stored:]
            if fresh:
                session.store.record_epochs(live[name], fresh, session.clock())
                session.stored_epochs[name] = stored + len(fresh)
    return observations


def _snapshot(session: Session, trials: tuple[Trial, ...], observations: Mapping[str, Observation]) -> Snapshot:
    facts = session.facts
    return Snapshot(
        state=facts.state,
        draining=session.stop.requested,
        trials=trials,
        observations=observations,
        tellable=facts.tellable,
        spent=facts.spent(gpu_limit=session.rules.limits.gpu_hours is not None),
        exhausted=session.exhausted,
        waiting=session.waiting,
    )


def _interrupt(session: Session) -> None:
    """Stop what runs, at once; its trials go back to the queue."""
    for trial in session.store.active_trials(session.study_id):
        attempt = trial.live_attempt
        if attempt is None:
            continue
        session.executor.stop(attempt.name, grace_seconds=STOP_GRACE_SECONDS)
        interrupted = EndAttempt(trial, attempt, AttemptState.FAILED, Failure.INTERRUPTED, None, TrialState.QUEUED)
        with suppress(StaleStateError):  # somebody cancelled the study meanwhile
            carry_out(interrupted, session)
