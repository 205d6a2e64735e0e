"""The loop on real databases, with trainings that are computed on the spot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nago_orchestrator.control_loop.events import EventKind
from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, Proposal
from nago_orchestrator.domain.states import Failure, StudyState, TrialState
from nago_orchestrator.errors import DatabaseError
from nago_orchestrator.search.factory import make_proposer
from nago_orchestrator.search.proposers.replay import verify
from nago_orchestrator.store.store import Store
from nago_trainer.contract.task import TrialTask
from tests.databases import POSTGRESQL_IS_SLOW
from tests.simulated_executor import SimulatedExecutor, succeed
from tests.store_scene import EPOCH
from tests.studies import RECIPE, Orchestrator, count_trials, create, run_to_the_end, small_spec

pytestmark = POSTGRESQL_IS_SLOW


class CrashError(BaseException):
    """The orchestrator dies here."""


class CrashingStore(Store):
    """Dies at one of its writes: before it, or after the commit of its transaction."""

    def __init__(self, store: Store, *, writes_until_crash: int, after_commit: bool) -> None:
        super().__init__(store._engine)
        self._writes_left = writes_until_crash
        self._after_commit = after_commit

    def __getattribute__(self, name: str):  # type: ignore[no-untyped-def]  # any method of the store
        found = super().__getattribute__(name)
        if not name.startswith(("add_", "mark_", "record_", "accept_", "end_", "move_", "cancel_", "note_")):
            return found

        def write(*arguments: object, **named: object) -> object:
            self._writes_left -= 1
            if self._writes_left == 0 and not self._after_commit:
                raise CrashError
            return found(*arguments, **named)

        return write

    @contextmanager
    def together(self) -> Iterator[None]:
        with super().together():
            yield
        if self._writes_left <= 0:
            raise CrashError


def told(store: Store, study_id: int) -> tuple[tuple[Proposal, ...], tuple[Evaluation, ...]]:
    return store.history(study_id)


@pytest.mark.parametrize("parallelism", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_a_whole_search_counts_every_trial_once_and_replays(store: Store, parallelism: int) -> None:
    executor = SimulatedExecutor()
    done = run_to_the_end(store, executor, execution=f"{{parallelism: {parallelism}}}")
    proposals, evaluations = told(store, done.study.id)
    assert len(proposals) == len(evaluations) == len(executor.started) == 26  # two cycles of 4+2+1, 2+1 and 3
    assert count_trials(store, done.study.id) == {TrialState.SUCCEEDED: 26}
    assert Counter(proposal.fidelity for proposal in proposals) == {1: 8, 2: 8, 4: 10}
    assert [evaluation.number for evaluation in evaluations] == list(range(26))
    proposer = make_proposer(small_spec(execution=f"{{parallelism: {parallelism}}}"), RECIPE)
    assert verify(proposer, proposals, evaluations) == ()


def test_a_task_names_what_the_study_optimises_and_older_trainers_do_not_report(store: Store) -> None:
    """They do not know the key, and refuse the task before they train."""
    told: list[tuple[str, ...]] = []

    def measuring(task: TrialTask) -> Observation:
        told.append(task.training.measures)
        seen = succeed(task)
        assert seen.result is not None
        return replace(seen, result=replace(seen.result, macro_f1=0.5))

    search = "{algorithm: random, proposals: 2}"
    run_to_the_end(store, SimulatedExecutor(measuring), search=search, fidelities="[1]")
    objectives = "[{name: accuracy}, {name: macro_f1}, {name: memory}]"
    run_to_the_end(
        store, SimulatedExecutor(measuring), name="f1", search=search, fidelities="[1]", objectives=objectives
    )
    assert told == [(), (), ("macro_f1",), ("macro_f1",)]


@pytest.mark.slow
@pytest.mark.parametrize("after_commit", [False, True])
def test_dying_at_any_write_changes_nothing(store: Store, after_commit: bool) -> None:
    """Each orchestrator dies at its seventh write. A trial takes six, so that all kinds of writes are met in turn."""
    undisturbed = run_to_the_end(store, SimulatedExecutor())
    disturbed = create(store, small_spec(name="disturbed"))
    executor = SimulatedExecutor()
    deaths = 0
    while store.study("disturbed").state is StudyState.RUNNING:
        mortal = CrashingStore(store, writes_until_crash=7, after_commit=after_commit)
        try:
            Orchestrator(mortal, disturbed, executor).run()
        except CrashError:
            deaths += 1
    assert deaths > 12
    assert told(store, disturbed.id) == told(store, undisturbed.study.id)
    assert count_trials(store, disturbed.id) == {TrialState.SUCCEEDED: 26}
    assert len(executor.started) == len(set(executor.started)) == 26


@pytest.mark.slow
def test_lost_attempts_are_repeated_and_change_nothing_for_the_search(store: Store) -> None:
    undisturbed = run_to_the_end(store, SimulatedExecutor())
    lost = Observation(phase=Phase.ENDED, exit_code=-9, failure=Failure.INFRASTRUCTURE, reason="Signal9")

    def flaky(task: TrialTask) -> Observation:
        return lost if task.attempt <= task.trial % 3 else succeed(task)

    done = run_to_the_end(store, SimulatedExecutor(flaky), name="flaky")
    assert told(store, done.study.id) == told(store, undisturbed.study.id)
    assert store.tally(done.study.id).failures[Failure.INFRASTRUCTURE] == sum(number % 3 for number in range(26))


def test_a_trial_that_comes_further_each_time_is_never_given_up(store: Store) -> None:
    """What its trainers stored themselves counts, which the loop has not read before it looks at the end."""
    study = create(
        store,
        small_spec(
            fidelities="[4]",
            search="{algorithm: random, proposals: 1}",
            retries="{infrastructure: 1, defect: 1, pause: 0}",
        ),
    )
    lost = Observation(phase=Phase.ENDED, failure=Failure.INFRASTRUCTURE, reason="NodeLost")

    def on_spot(task: TrialTask) -> Observation:
        (trial,) = store.active_trials(study.id)
        assert trial.live_attempt is not None
        if task.attempt > task.epochs:
            return succeed(task)
        records = [replace(EPOCH, epoch=task.attempt)]
        store.record_epochs(trial.live_attempt.id, records, datetime.now(UTC))
        return lost

    assert Orchestrator(store, study, SimulatedExecutor(on_spot)).run() is StudyState.COMPLETED
    assert count_trials(store, study.id) == {TrialState.SUCCEEDED: 1}
    assert store.tally(study.id).failures[Failure.INFRASTRUCTURE] == 4


def test_what_makes_room_for_others_uses_up_no_retry_and_is_told(store: Store) -> None:
    study = create(
        store,
        small_spec(search="{algorithm: random, proposals: 1}", retries="{infrastructure: 0, defect: 0, pause: 0}"),
    )
    gone = Observation(phase=Phase.ENDED, failure=Failure.INTERRUPTED, reason="Preempted", message="pre-empted")
    executor = SimulatedExecutor(lambda task: gone if task.attempt <= 3 else succeed(task))
    orchestrator = Orchestrator(store, study, executor)
    assert orchestrator.run() is StudyState.COMPLETED
    assert count_trials(store, study.id) == {TrialState.SUCCEEDED: 1}
    assert sum(event.kind is EventKind.RETRIED for event in orchestrator.events) == 3


@pytest.mark.slow
def test_a_trial_that_is_lost_for_good_is_told_to_the_bracket_alone(store: Store) -> None:
    lost = Observation(phase=Phase.ENDED, exit_code=-9, failure=Failure.INFRASTRUCTURE, reason="Signal9")
    executor = SimulatedExecutor(lambda task: lost if task.trial == 2 else succeed(task))
    done = run_to_the_end(store, executor)
    _, evaluations = told(store, done.study.id)
    assert [evaluation.outcome for evaluation in evaluations].count(Outcome.LOST) == 1
    assert len([name for name in executor.started if name.startswith("small-t00002-")]) == 4
    assert count_trials(store, done.study.id) == {TrialState.SUCCEEDED: 25, TrialState.FAILED: 1}


@pytest.mark.slow
def test_the_same_defect_on_all_trials_stops_the_study_with_its_cause_and_a_mended_one_goes_on(store: Store) -> None:
    broken = Observation(
        phase=Phase.ENDED, exit_code=64, failure=Failure.DEFECT, reason="BadData", message="there is no folder /data"
    )
    executor = SimulatedExecutor(lambda task: broken)
    study = create(store, small_spec())
    assert Orchestrator(store, study, executor).run() is StudyState.FAILED
    stopped = store.study("small")
    assert "there is no folder /data" in (stopped.message or "")
    assert len(executor.started) == 6, "three trials with one retry each"
    store.move_study(study.id, StudyState.RUNNING, message=None, now=datetime.now(UTC))
    assert Orchestrator(store, study, SimulatedExecutor()).run() is StudyState.COMPLETED
    assert count_trials(store, study.id) == {TrialState.FAILED: 3, TrialState.SUCCEEDED: 23}


def test_an_architecture_that_cannot_meet_the_limit_is_told_as_infeasible_without_an_attempt(store: Store) -> None:
    executor = SimulatedExecutor()
    study = create(store, small_spec(), replace(RECIPE, parameter_limit=10))
    assert Orchestrator(store, study, executor).run() is StudyState.FAILED
    assert "26 infeasible" in (store.study("small").message or "")
    _, evaluations = told(store, study.id)
    assert {evaluation.outcome for evaluation in evaluations} == {Outcome.INFEASIBLE}
    assert executor.started == []


@pytest.mark.slow
def test_several_architectures_of_a_proposal_become_one_evaluation(store: Store) -> None:
    executor = SimulatedExecutor()
    done = run_to_the_end(store, executor, architectures_per_proposal="3", execution="{parallelism: 2}")
    proposals, evaluations = told(store, done.study.id)
    assert len(proposals) == len(evaluations) == 26
    assert len(executor.started) == 3 * 26
    assert {evaluation.samples for evaluation in evaluations} == {3}


@pytest.mark.slow
def test_promotions_train_longer_under_the_same_theta(store: Store) -> None:
    done = run_to_the_end(store, SimulatedExecutor())
    proposals, _ = told(store, done.study.id)
    promoted = [proposal for proposal in proposals if proposal.origin is Origin.PROMOTION]
    assert promoted
    for proposal in promoted:
        assert proposal.parent is not None
        parent = proposals[proposal.parent]
        assert (proposal.theta, proposal.fidelity) == (parent.theta, 2 * parent.fidelity)


@pytest.mark.slow
def test_a_database_that_does_not_answer_for_a_while_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = SimulatedExecutor()
    study = create(store, small_spec())
    orchestrator = Orchestrator(store, study, executor)
    calls = 0
    real = Store.pulse

    def out_of_order(self: Store, study_id: int):  # type: ignore[no-untyped-def]  # as the real one
        nonlocal calls
        calls += 1
        if calls % 7 == 0:
            raise DatabaseError("the database does not answer.")
        return real(self, study_id)

    monkeypatch.setattr(Store, "pulse", out_of_order)  # no server can be made to commit in this order
    assert orchestrator.run() is StudyState.COMPLETED
    assert count_trials(store, study.id) == {TrialState.SUCCEEDED: 26}
    assert EventKind.TROUBLE in {event.kind for event in orchestrator.events}


def test_a_database_that_never_comes_back_ends_the_loop_with_its_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = create(store, small_spec())
    slept: list[float] = []
    orchestrator = Orchestrator(store, study, SimulatedExecutor(), sleep=slept.append)

    def fail(self: Store, study_id: int) -> None:
        raise DatabaseError("the database does not answer.")

    monkeypatch.setattr(Store, "pulse", fail)  # between two reads no real outage can be placed
    with pytest.raises(DatabaseError, match="does not answer"):
        orchestrator.run()
    assert sum(slept) >= 300
    assert max(slept) <= 10
