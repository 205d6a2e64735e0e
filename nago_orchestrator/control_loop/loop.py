"""The control loop: take a snapshot, plan, execute; again, until nothing is left to do.

Intent before effect: an attempt's row with its deterministic name is committed before its process or Job is created.
Killing the orchestrator between any two steps loses nothing; the next one finds the rows and plans from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from nago_orchestrator.control_loop.actions import (
    AcceptResult,
    Action,
    Ask,
    EndAttempt,
    FollowUp,
    Launch,
    LaunchDataCheck,
    MarkRunning,
    OfTrial,
    StopAttempt,
    StopDataCheck,
    StoreProposal,
)
from nago_orchestrator.control_loop.events import Event, EventKind
from nago_orchestrator.control_loop.execute import STOP_GRACE_SECONDS, execute
from nago_orchestrator.control_loop.planner import plan
from nago_orchestrator.control_loop.session import HoldLostError, Session
from nago_orchestrator.control_loop.snapshots import failed, live_data_checks, take_snapshot
from nago_orchestrator.domain.attempts import Observation
from nago_orchestrator.domain.data_checks import data_check_name
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.domain.trials import Trial
from nago_orchestrator.errors import DatabaseError, ExecutorError, ImageStorageError, StaleStateError
from nago_trainer.contract.back_off import BackOff

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Polling:
    """How the loop waits while there is nothing to do."""

    seconds: float
    """Between two polls of the executor for news, which are cheap."""
    polls_per_pulse: int
    """After so many the database is asked, too."""
    polls: int
    """After so many a snapshot is taken in any case: timeouts end, retries come due."""


POLLING = (Polling(0.05, 4, 40), Polling(0.05, 10, 40), Polling(0.2, 5, 25))
"""The first, the second and every further wait in a row: the longer nothing happens, the fewer polls."""
BACK_OFF = BackOff(first=0.5, longest=10.0)
"""Between two tries while the database does not answer, or the executor or the storage of the images does not work."""
LONGEST_OUTAGE_SECONDS = 300.0
"""After which the loop gives up."""
RECOVERED_AFTER = timedelta(seconds=10)
"""Without an error for so long, an outage is over: an executor may refuse a request seconds later."""

TIDY_SECONDS = 5.0
"""How long the login of an attempt that is over may last, and a transaction of a trainer beyond its time."""


@dataclass
class _Outage:
    """How long the database, the executor or the storage of the images has been failing."""

    session: Session
    sleep: Sleep
    errors: int = 0
    seconds: float = 0.0
    last_error_at: datetime | None = None

    def note_success(self, *, advanced: bool) -> None:
        """A tick without error: the outage is over if a trial advanced, or no error has come for long enough."""
        if self.last_error_at is None:
            return
        if advanced or self.session.clock() - self.last_error_at >= RECOVERED_AFTER:
            self.errors, self.seconds, self.last_error_at = 0, 0.0, None

    def wait(self, error: Exception) -> None:
        """A little longer each time; raises `error` when it has gone on for too long."""
        if self.seconds >= LONGEST_OUTAGE_SECONDS or self.session.stop.requested:
            raise error
        pause = BACK_OFF.pause(self.errors)
        text = f"{str(error).rstrip('.')}; next try in {pause:.1f} s"
        self.session.on_event(self.session.event(EventKind.TROUBLE, text))
        self.sleep(pause)
        self.errors += 1
        self.seconds += pause
        self.last_error_at = self.session.clock()


def run(session: Session, sleep: Sleep) -> StudyState:
    """Run the study until it ends, is paused, or the session is asked to stop. Returns the state it is left in.

    Raises HeldError if somebody else runs it or has taken it over, DatabaseError or ExecutorError when the database has
    not answered or the executor not worked for LONGEST_OUTAGE_SECONDS; running trainers continue, and the next
    orchestrator picks up their results.
    """
    outage = _Outage(session, sleep)
    while True:
        try:
            with session.hold():
                return _run_held(session, outage, sleep)
        except (DatabaseError, HoldLostError) as error:
            outage.wait(error)


def _run_held(session: Session, outage: _Outage, sleep: Sleep) -> StudyState:
    """The study stays held through an outage: nobody else takes it as soon as the database answers again."""
    while True:
        try:
            session.confirm_hold()
            session.reload()  # only now: nobody else adds rows any more
            session.running.begin()
            try:
                return _run_ticks(session, outage, sleep)
            finally:
                with suppress(DatabaseError):
                    session.running.store()
        except (DatabaseError, ExecutorError, ImageStorageError) as error:
            outage.wait(error)


def _run_ticks(session: Session, outage: _Outage, sleep: Sleep) -> StudyState:
    waits = 0
    while True:
        session.confirm_hold()
        began = session.clock()
        try:
            done = tick(session)
        except StaleStateError:
            session.reload()  # somebody moved a row first (a pause, a cancel)
            continue
        outage.note_success(advanced=done.advanced)
        session.store.logins.tidy_now_and_then(TIDY_SECONDS)
        session.on_tick((session.clock() - began).total_seconds())
        if session.stop.left:
            return done.state
        if session.stop.aborted:
            _interrupt(session)
            return done.state
        over = done.state is not StudyState.RUNNING or session.stop.requested
        if over and not (done.busy or done.waits or done.live):
            session.store.logins.tidy_now_and_then(0)
            return done.state
        waits = 0 if done.busy else waits + 1
        if waits:
            _wait_for_news(session, sleep, POLLING[min(waits, len(POLLING)) - 1])


def _wait_for_news(session: Session, sleep: Sleep, polling: Polling) -> None:
    """Until there may be something to do: executor, database or a stop say so, or it has lasted long enough."""
    asked = session.stop.requested, session.stop.aborted
    for poll in range(1, polling.polls + 1):
        sleep(polling.seconds)
        if session.executor.has_news() or (session.stop.requested, session.stop.aborted) != asked:
            return
        if poll % polling.polls_per_pulse == 0 and not session.state.is_current():
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one tick found and did."""

    state: StudyState
    """Of the study, as it was found."""
    busy: bool
    """Whether anything has changed by it, so that the next tick need not wait."""
    waits: bool
    """Whether something is left to do that could not be done yet: somebody has locked the row of its trial."""
    advanced: bool
    """Whether a trial began to run or came to an end."""
    live: bool
    """Whether anything ran."""


def tick(session: Session) -> Tick:
    """One snapshot and what follows from it."""
    session.state.refresh(session.clock())
    observations = _observe(session, session.state.trials)
    session.state.read_again(failed(session.state.trials, observations))
    # Those that were locked come last: of each kind a tick handles a portion, which they must not use up for others.
    trials = tuple(sorted(session.state.trials, key=lambda trial: trial.id in session.locked))
    session.locked.clear()
    snapshot = take_snapshot(session, trials, observations)
    actions = plan(snapshot, session.rules, session.clock())
    executed: list[Action] = []
    for _, alike in groupby(actions, key=type):
        executed += _execute_alike(session, tuple(alike))
    repeated, session.executed = executed == session.executed, executed
    return Tick(
        state=snapshot.state,
        busy=bool(executed) and not repeated,  # what is executed once more has changed nothing the first time
        waits=bool(actions),
        advanced=any(isinstance(action, MarkRunning | AcceptResult | EndAttempt) for action in executed),
        live=any(trial.live_attempt for trial in trials) or bool(live_data_checks(session)),
    )


def _execute_alike(session: Session, actions: Sequence[Action]) -> Sequence[Action]:
    """Actions of one kind in one transaction; what follows from them comes after its commit. Those that were executed.

    A trial whose row somebody else has locked, which a trainer can do to its own, is left for a later tick: waiting for
    it would delay the others, and its error would undo what was done for them.

    An event is never published twice; one whose commit was not confirmed is not published at all. An attempt whose
    launch fails is launched again from its row.
    """
    follow_ups: list[FollowUp] = []
    if isinstance(actions[0], StopAttempt | StopDataCheck):
        session.confirm_hold()
    with nullcontext() if isinstance(actions[0], Ask) else session.store.together():
        free = _free(session, actions)
        for action in free:
            session.state.note(action)
            follow_ups += execute(action, session)
    _hand_over(session, follow_ups)
    return free


def _hand_over(session: Session, follow_ups: Sequence[FollowUp]) -> None:
    """What follows from actions that are committed, to those who see to it."""
    for event in follow_ups:
        if isinstance(event, Event):
            session.on_event(event)
    if proposals := [item for item in follow_ups if isinstance(item, StoreProposal)]:
        _execute_alike(session, proposals)
    if launches := {item.name: item.task for item in follow_ups if isinstance(item, Launch)}:
        session.confirm_hold()
        session.executor.start_all(launches)
    for item in follow_ups:
        if isinstance(item, LaunchDataCheck) and session.data_jobs is not None:
            session.confirm_hold()
            session.data_jobs.start_data_check(item.name, session.recipe.dataset, anew=item.anew)


def _free(session: Session, actions: Sequence[Action]) -> Sequence[Action]:
    """Those whose trial may be written now."""
    trials = {action.trial.id for action in actions if isinstance(action, OfTrial)}
    locked = trials - session.store.claim(trials) if trials else trials
    session.locked |= locked
    return [action for action in actions if not (isinstance(action, OfTrial) and action.trial.id in locked)]


def _observe(session: Session, trials: tuple[Trial, ...]) -> Mapping[str, Observation]:
    live = {attempt.name: attempt.id for trial in trials if (attempt := trial.live_attempt)}
    session.confirm_hold()  # what belongs to none of them may be removed
    observations = session.executor.observe(
        [*live, *(data_check_name(session.study, check.number) for check in live_data_checks(session))]
    )
    with session.store.together():
        for name, observation in observations.items():
            stored = session.stored_epochs.get(name, 0)
            fresh = observation.epochs[stored:]
            if fresh:
                session.store.record_epochs(live[name], fresh, session.clock())
                session.stored_epochs[name] = stored + len(fresh)
    for name in session.stored_epochs.keys() - live.keys():
        del session.stored_epochs[name]
    return observations


def _interrupt(session: Session) -> None:
    """Stop what runs, at once; its trials go back to the queue, those that are locked when the study goes on."""
    session.confirm_hold()
    for check in live_data_checks(session):
        _execute_alike(session, (StopDataCheck(check),))
    for trial in session.store.active_trials(session.study_id):
        attempt = trial.live_attempt
        if attempt is None:
            continue
        session.executor.stop(attempt.name, grace_seconds=STOP_GRACE_SECONDS)
        interrupted = EndAttempt(trial, attempt, AttemptState.FAILED, Failure.INTERRUPTED, None, TrialState.QUEUED)
        with suppress(StaleStateError):  # somebody cancelled the study meanwhile
            _execute_alike(session, (interrupted,))
