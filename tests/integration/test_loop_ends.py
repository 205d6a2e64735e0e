"""What lets the loop go on or ends it: limits, a stop, an abort, another state, another holder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.errors import HeldError
from nago_orchestrator.store.store import Store
from tests.databases import POSTGRESQL_IS_SLOW
from tests.simulated_executor import SimulatedExecutor
from tests.studies import Orchestrator, count_trials, create, run_to_the_end, small_spec

pytestmark = POSTGRESQL_IS_SLOW


@pytest.mark.slow
def test_never_more_trials_at_once_than_allowed(store: Store) -> None:
    most = 0
    executor = SimulatedExecutor(looks_until_end=20)
    study = create(store, small_spec(execution="{parallelism: 3}"))

    def look(seconds: float) -> None:
        nonlocal most
        most = max(most, store.tally(study.id).live_attempts)

    assert Orchestrator(store, study, executor, sleep=look).run() is StudyState.COMPLETED
    assert most == 3


def test_a_limit_of_trials_completes_the_study(store: Store) -> None:
    done = run_to_the_end(store, SimulatedExecutor(), limits="{trials: 5}", execution="{parallelism: 2}")
    assert count_trials(store, done.study.id) == {TrialState.SUCCEEDED: 5}
    assert "limits.trials" in (store.study("small").message or "")


class Watch:
    """A clock that goes on by a minute at each look."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


def test_the_time_of_a_pause_and_without_an_orchestrator_is_no_wall_time(store: Store) -> None:
    study = create(store, small_spec(search="{algorithm: random, proposals: 26}", limits="{wall_time: 3h}"))
    executor, clock = SimulatedExecutor(), Watch()

    def part(trials: int) -> StudyState:
        """By an orchestrator that dies after so many trials."""
        orchestrator = Orchestrator(store, study, executor)
        session = orchestrator.session()
        session.clock = clock

        def perhaps_leave(seconds: float) -> None:
            if store.tally(study.id).evaluations >= trials:
                orchestrator.stop.abort()

        session.on_tick = perhaps_leave
        return orchestrator.run(session)

    assert part(3) is StudyState.RUNNING
    clock.now += timedelta(days=2)
    assert part(6) is StudyState.RUNNING
    store.move_study(study.id, StudyState.PAUSED, message=None, now=clock())
    assert part(6) is StudyState.PAUSED
    clock.now += timedelta(days=2)
    store.move_study(study.id, StudyState.RUNNING, message=None, now=clock())
    before = store.study("small").ran_seconds
    assert timedelta(minutes=10) < timedelta(seconds=before) < timedelta(hours=3)
    assert part(1000) is StudyState.COMPLETED
    found = store.study("small")
    assert "limits.wall_time" in str(found.message)
    assert timedelta(hours=3) <= timedelta(seconds=found.ran_seconds) < timedelta(hours=3, minutes=30)
    assert store.tally(study.id).trials[TrialState.SUCCEEDED] > 6


def test_a_study_without_a_limit_writes_no_time(store: Store) -> None:
    done = run_to_the_end(store, SimulatedExecutor(), search="{algorithm: random, proposals: 2}")
    assert store.study(done.study.name).ran_seconds == 0.0


def test_a_limit_of_trials_is_kept_by_proposals_of_several(store: Store) -> None:
    done = run_to_the_end(store, SimulatedExecutor(), limits="{trials: 5}", architectures_per_proposal="2")
    assert count_trials(store, done.study.id) == {TrialState.SUCCEEDED: 4}


@pytest.mark.slow
def test_a_stop_lets_running_trials_end_and_starts_no_others(store: Store) -> None:
    executor = SimulatedExecutor(looks_until_end=20)
    study = create(store, small_spec(execution="{parallelism: 2}"))
    orchestrator = Orchestrator(store, study, executor)
    orchestrator.sleep = lambda seconds: orchestrator.stop.request()
    assert orchestrator.run() is StudyState.RUNNING
    assert count_trials(store, study.id) == {TrialState.SUCCEEDED: 2}
    again = Orchestrator(store, study, executor)
    assert again.run() is StudyState.COMPLETED


@pytest.mark.slow
def test_an_abort_stops_running_trials_which_are_repeated_without_counting_against_them(store: Store) -> None:
    executor = SimulatedExecutor(looks_until_end=20)
    study = create(store, small_spec(retries="{infrastructure: 0, defect: 0, pause: 0}"))
    orchestrator = Orchestrator(store, study, executor)
    orchestrator.sleep = lambda seconds: orchestrator.stop.abort()
    assert orchestrator.run() is StudyState.RUNNING
    assert executor.stopped == ["small-t00000-a1"]
    assert count_trials(store, study.id) == {TrialState.QUEUED: 1}
    assert Orchestrator(store, study, SimulatedExecutor()).run() is StudyState.COMPLETED
    assert count_trials(store, study.id) == {TrialState.SUCCEEDED: 26}


@pytest.mark.parametrize(
    ("state", "trials"),
    [(StudyState.PAUSED, {TrialState.SUCCEEDED: 2}), (StudyState.CANCELLED, {TrialState.CANCELLED: 2})],
)
def test_a_change_of_state_from_outside_is_heeded(
    store: Store, state: StudyState, trials: dict[TrialState, int]
) -> None:
    executor = SimulatedExecutor(looks_until_end=20)
    study = create(store, small_spec(execution="{parallelism: 2}"))

    def intervene(seconds: float) -> None:
        if store.study("small").state is StudyState.RUNNING:
            store.move_study(study.id, state, message="by hand", now=study.created_at)

    assert Orchestrator(store, study, executor, sleep=intervene).run() is state
    assert count_trials(store, study.id) == trials


def test_the_second_orchestrator_is_told_who_holds_the_study(store: Store) -> None:
    study = create(store, small_spec())
    with store.hold(study.id, "pid 4711 on saturn"), pytest.raises(HeldError, match="pid 4711 on saturn"):
        Orchestrator(store, study, SimulatedExecutor()).run()
