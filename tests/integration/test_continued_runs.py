"""Studies with `search.continue`: the trials of a rung go on from those of the rung below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from nago_orchestrator.control_loop.events import Event
from nago_orchestrator.control_loop.trial_sampling import compare_trials
from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.rows import TrialRow
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.search.factory import make_proposer
from nago_orchestrator.search.proposers.replay import verify
from nago_orchestrator.search.rung_checkpoints import unneeded_checkpoints
from nago_orchestrator.store import queries
from nago_orchestrator.store.store import Store
from nago_trainer.contract.task import TrialTask
from tests.databases import POSTGRESQL_IS_SLOW
from tests.simulated_executor import SimulatedExecutor, succeed
from tests.studies import RECIPE, Orchestrator, create, small_spec

pytestmark = POSTGRESQL_IS_SLOW

SEARCHES = {
    "bohb": "{algorithm: bohb, iterations: 1, continue: true}",
    "mobohb": "{algorithm: mobohb, iterations: 2, continue: true}",
}


class Disk:
    """Runs trials as a trainer would, and keeps the account of checkpoints."""

    def __init__(self, failing: frozenset[int] = frozenset()) -> None:
        self.files: set[int] = set()
        self.most = 0
        self.tasks: list[TrialTask] = []
        self.lost: list[int] = []
        """Trials that found no checkpoint to go on from."""
        self._failing = failing

    def __call__(self, task: TrialTask) -> Observation:
        self.tasks.append(task)
        if task.trial in self._failing:
            return Observation(phase=Phase.ENDED, exit_code=70)
        self.files -= set(task.unneeded)
        if task.continues is not None:
            if task.continues not in self.files:
                self.lost.append(task.trial)
            self.files.discard(task.continues)
        if task.epochs < task.schedule:
            self.files.add(task.trial)
        self.most = max(self.most, len(self.files))
        return succeed(task)


def run(store: Store, disk: Disk, **changes: str) -> tuple[int, dict[int, TrialRow]]:
    """The study's id, and its trials by number."""
    study = create(store, small_spec(**changes))
    orchestrator = Orchestrator(store, study, SimulatedExecutor(disk))
    assert orchestrator.run() is StudyState.COMPLETED
    return study.id, {row.trial: row for row in queries.list_trials(store._engine, "small")}


@pytest.mark.parametrize("search", ["bohb", pytest.param("mobohb", marks=pytest.mark.slow)])
def test_a_promotion_goes_on_with_the_same_networks(store: Store, search: str) -> None:
    disk = Disk()
    study_id, trials = run(store, disk, search=SEARCHES[search], architectures_per_proposal="2")
    promoted = [row for row in trials.values() if row.continued_from is not None]
    assert {row.origin for row in promoted} == {"promotion"}
    assert len(promoted) == sum(row.origin == "promotion" for row in trials.values()) > 0
    for row in promoted:
        below = trials[row.continued_from or 0]
        assert (row.architecture_hash, row.replicate, row.width) == (
            below.architecture_hash,
            below.replicate,
            below.width,
        )
        assert below.fidelity < row.fidelity
    assert {row.run_of for row in trials.values()} == {4}
    assert {(task.run_of, task.continues) for task in disk.tasks} >= {(4, None), (4, promoted[0].continued_from)}
    seeds = {task.trial: task.seed for task in disk.tasks}
    assert all(seeds[row.trial] == seeds[row.continued_from or 0] for row in promoted)
    assert {row.run_of for row in queries.evaluations(store._engine, "small")} == {4}
    assert disk.lost == []
    spec = small_spec(search=SEARCHES[search], architectures_per_proposal="2")
    proposals, evaluations = store.history(study_id)
    assert verify(make_proposer(spec, RECIPE), proposals, evaluations) == ()
    sampling = Orchestrator(store, store.study("small"), SimulatedExecutor()).session().sampling
    assert compare_trials(sampling, proposals, store.drawn_trials(study_id), lambda done: None) == ()


@pytest.mark.slow
@pytest.mark.parametrize("parallelism", [1, 4])
def test_checkpoints_are_kept_until_their_bracket_is_decided(store: Store, parallelism: int) -> None:
    disk = Disk()
    _, trials = run(
        store,
        disk,
        search="{algorithm: bohb, iterations: 3, continue: true}",
        execution=f"{{parallelism: {parallelism}}}",
    )
    by_bracket = Counter(row.bracket for row in trials.values() if row.rung == 0)
    assert disk.files == set()
    assert disk.lost == []
    assert 0 < disk.most <= max(by_bracket.values()) * (1 + (parallelism > 1))


@pytest.mark.slow
def test_those_of_the_best_of_all_brackets_are_kept_until_the_last_place_is_taken(store: Store) -> None:
    disk = Disk()
    run(store, disk, search=SEARCHES["mobohb"])
    assert (disk.files, disk.lost) == (set(), [])


def test_the_checkpoint_below_a_trial_that_failed_is_removed_too(store: Store) -> None:
    whole = Disk()
    study_id, trials = run(store, whole, search=SEARCHES["bohb"])
    failing = next(row for row in trials.values() if row.rung == 1)
    spec = small_spec(search=SEARCHES["bohb"])
    # As at the start of the trial after it; it has failed, and so has not removed the checkpoint itself.
    began = [trial for trial in store.rung_trials(study_id) if trial.number <= failing.trial + 1]
    unneeded = unneeded_checkpoints(spec.search, spec.fidelities, began, failing.proposal)
    assert failing.continued_from in unneeded
    running = [replace(trial, is_final=trial.number != failing.trial) for trial in began]
    assert failing.continued_from not in unneeded_checkpoints(spec.search, spec.fidelities, running, failing.proposal)


@pytest.mark.slow
def test_a_trial_that_failed_is_trained_from_the_first_epoch_above(store: Store) -> None:
    """Of two networks of a proposal one fails: its place on the next rung has the same architecture."""
    disk = Disk(failing=frozenset({0, 2, 4, 6}))
    _, trials = run(
        store, disk, search=SEARCHES["bohb"], architectures_per_proposal="2", limits="{failed_fraction: 1.0}"
    )
    above = [row for row in trials.values() if row.continued_from in (0, 2, 4, 6)]
    assert {row.trial for row in above} == set(disk.lost)
    assert above
    assert all(row.state is TrialState.SUCCEEDED for row in above)


@pytest.mark.slow
def test_a_study_that_is_stopped_again_and_again_goes_on_the_same(store: Store) -> None:
    disk = Disk()
    study = create(store, small_spec(search=SEARCHES["bohb"]))
    for events in range(4, 60, 7):  # asked to end after so many of them
        orchestrator = Orchestrator(store, study, SimulatedExecutor(disk))
        session = orchestrator.session()
        session.on_event = _stopping(orchestrator, events)
        if orchestrator.run(session) is StudyState.COMPLETED:
            break
    stopped = store.history(study.id)[0], store.drawn_trials(study.id)
    whole = create(store, small_spec(search=SEARCHES["bohb"], name="whole"))
    assert Orchestrator(store, whole, SimulatedExecutor(Disk())).run() is StudyState.COMPLETED
    assert (store.history(whole.id)[0], store.drawn_trials(whole.id)) == stopped
    assert (disk.files, disk.lost) == (set(), [])


def _stopping(orchestrator: Orchestrator, after: int) -> Callable[[Event], None]:
    seen: list[Event] = []

    def on_event(event: Event) -> None:
        seen.append(event)
        if len(seen) >= after:
            orchestrator.stop.request()

    return on_event


def test_the_usual_search_draws_anew(store: Store) -> None:
    disk = Disk()
    _, trials = run(store, disk, search="{algorithm: bohb, iterations: 1}")
    assert {row.continued_from for row in trials.values()} == {None}
    assert all(row.run_of == row.fidelity for row in trials.values())
    assert len({task.seed for task in disk.tasks}) == len(trials)
    assert all("run_of" not in task.to_json() for task in disk.tasks)
