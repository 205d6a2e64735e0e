"""Rows of trials that somebody else has locked hold up no other trial, and let no loop turn without a pause."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, select

from nago_orchestrator.control_loop.loop import tick
from nago_orchestrator.control_loop.planner import PORTION
from nago_orchestrator.control_loop.session import Session
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.store import schema
from nago_orchestrator.store.store import Store
from tests.simulated_executor import SimulatedExecutor
from tests.studies import Orchestrator, create, small_spec

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

PAUSES = 100
"""Of the loop before the row is free: some seconds of polling."""
MOST_TICKS = 30


def lock(engine: Engine, *trials: int) -> ExitStack:
    """As a trainer does that stores its result and leaves the transaction open."""
    held = ExitStack()
    connection = held.enter_context(engine.connect())
    rows = select(schema.trial.c.id).where(schema.trial.c.number.in_(trials))
    connection.execute(rows.with_for_update(key_share=True))
    return held


def begin(store: Store, trials: int, executor: SimulatedExecutor) -> tuple[Orchestrator, Session]:
    """A study with so many trials at work, and its orchestrator."""
    search = f"{{algorithm: random, proposals: {trials}}}"
    study = create(store, small_spec(execution=f"{{parallelism: {trials}}}", search=search))
    orchestrator = Orchestrator(store, study, executor)
    session = orchestrator.session()
    with session.hold():
        session.reload()
        while store.trial_counts(study.id)[TrialState.RUNNING] < trials:
            tick(session)
    return orchestrator, session


@pytest.mark.parametrize("waiting", [TrialState.QUEUED, TrialState.RUNNING])
def test_a_cancelled_study_pauses_while_a_trial_is_locked_and_leaves_none_behind(
    store: Store, engine: Engine, waiting: TrialState
) -> None:
    """A queued one is one whose attempt is given up: its trainer may report yet."""
    orchestrator, session = begin(store, 2, SimulatedExecutor(looks_until_end=10_000))
    study = orchestrator.study
    if waiting is TrialState.QUEUED:
        orchestrator.stop.abort()
        assert orchestrator.run(session) is StudyState.RUNNING
        orchestrator, session = Orchestrator(store, study, orchestrator.executor), orchestrator.session()
        session.stop = orchestrator.stop
    assert store.trial_counts(study.id)[waiting] == 2
    held = lock(engine, 0)
    store.move_study(study.id, StudyState.CANCELLED, message=None, now=study.created_at)
    ticks: list[float] = []
    pauses: list[float] = []

    def note_tick(seconds: float) -> None:
        ticks.append(seconds)
        assert len(ticks) < MOST_TICKS, "it turns without a pause"

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == PAUSES:
            held.close()

    session.on_tick, orchestrator.sleep = note_tick, sleep
    session.executor.has_news = lambda: False  # type: ignore[method-assign]  # nothing happens but the lock
    with held:
        assert orchestrator.run(session) is StudyState.CANCELLED
    assert len(pauses) >= PAUSES
    assert store.trial_counts(study.id)[TrialState.CANCELLED] == 2


def test_more_locked_trials_than_a_portion_hold_up_no_other(store: Store, engine: Engine) -> None:
    executor = SimulatedExecutor(looks_until_end=10_000)
    trials = PORTION + 2
    orchestrator, session = begin(store, trials, executor)
    executor.finish()
    with lock(engine, *range(PORTION)), session.hold():
        session.reload()
        for _ in range(4):
            tick(session)
        assert store.trial_counts(orchestrator.study.id)[TrialState.SUCCEEDED] == trials - PORTION
    orchestrator.run(session)
    assert store.trial_counts(orchestrator.study.id)[TrialState.SUCCEEDED] == trials
