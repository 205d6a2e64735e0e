"""What a tick asks of the database does not grow with the trials that are finished: counted in SQLite's own steps."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from sqlalchemy import Engine, event

from nago_orchestrator.control_loop.loop import tick
from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import Failure, TrialState
from nago_orchestrator.store.store import Store
from nago_trainer.contract.task import TrialTask
from tests.simulated_executor import SimulatedExecutor, succeed
from tests.studies import Orchestrator, create, small_spec

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FEW, MANY = 40, 140
AROUND = 20
"""Trials over which the ticks are looked at."""
STEPS = 10
"""SQLite calls back after so many."""


class Fails:
    """Every third trial for good."""

    def __call__(self, task: TrialTask) -> Observation:
        if task.trial % 3:
            return succeed(task)
        return Observation(phase=Phase.ENDED, exit_code=1, failure=Failure.DEFECT, reason="Odd", message="It fails.")


@pytest.mark.slow
def test_a_tick_with_many_finished_trials_reads_no_more_than_with_few(store: Store, engine: Engine) -> None:
    steps = itertools.count()
    event.listen(
        engine, "checkout", lambda connection, *_: connection.set_progress_handler(lambda: next(steps) * 0, STEPS)
    )
    spec = small_spec(
        search=f"{{algorithm: random, proposals: {MANY}}}",
        retries="{infrastructure: 0, defect: 0, pause: 0}",
        limits="{failed_fraction: 1, gpu_hours: 100000}",
    )
    study = create(store, spec)
    session = Orchestrator(store, study, SimulatedExecutor(Fails())).session()
    began, costs = datetime.now(UTC), dict[int, list[int]]()
    with session.hold():
        session.reload()
        for second in itertools.count():
            session.clock = lambda now=began + timedelta(seconds=second): now  # type: ignore[misc]  # bound at once
            before = next(steps)
            done = tick(session)
            trials = session.state.spent(gpu_limit=True).trials
            costs.setdefault(trials // AROUND, []).append(next(steps) - before)
            if not done.busy and trials == MANY:
                break
    few, many = (costs[trials // AROUND - 1] for trials in (FEW, MANY))
    assert store.trial_counts(study.id)[TrialState.FAILED] == -(-MANY // 3)
    assert median(many) < 1.1 * median(few)
    assert max(many) < 1.5 * max(few), "nor now and then"
