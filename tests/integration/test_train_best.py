"""After a search, networks of what it found are trained in full, as trials of the same study."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.device_memory import training_bytes
from nago_orchestrator.domain.final_rows import FinalTrainingCount
from nago_orchestrator.domain.proposals import Proposal
from nago_orchestrator.domain.states import Failure, StudyState, TrialState
from nago_orchestrator.errors import NagoError, NotFoundError
from nago_orchestrator.search.factory import make_proposer
from nago_orchestrator.search.final_training import Chosen, search_alone
from nago_orchestrator.search.proposers.replay import verify
from nago_orchestrator.services.best_generator import final_summaries
from nago_orchestrator.services.final_training import (
    Choice,
    chosen_generators,
    keeps_networks,
    short_of_search,
    train_best,
)
from nago_orchestrator.store import final_training, found
from nago_orchestrator.store.store import Store
from nago_trainer.contract.task import TrialTask
from tests.databases import POSTGRESQL_IS_SLOW
from tests.simulated_executor import SimulatedExecutor, succeed
from tests.studies import RECIPE, Orchestrator, create, small_spec

pytestmark = POSTGRESQL_IS_SLOW

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = small_spec(
    search="{algorithm: bohb, iterations: 3}", final_training="{networks: 3, epochs: 40, learning_rate: 0.2}"
)


def searched(store: Store) -> tuple[Orchestrator, SimulatedExecutor]:
    executor = SimulatedExecutor()
    orchestrator = Orchestrator(store, create(store, SPEC), executor)
    assert orchestrator.run() is StudyState.COMPLETED
    return orchestrator, executor


def generators(store: Store, study_id: int, count: int) -> list[Chosen]:
    proposals = [proposal for proposal in store.history(study_id)[0] if proposal.fidelity == 4]
    return [Chosen(proposal=proposal.number, theta=proposal.theta) for proposal in proposals[:count]]


def final_proposals(store: Store, study_id: int) -> list[Proposal]:
    return [proposal for proposal in store.history(study_id)[0] if proposal.final_training]


def test_networks_of_each_generator_are_trained_by_the_final_recipe_and_kept(store: Store) -> None:
    done, executor = searched(store)
    before = store.history(done.study.id)
    chosen = generators(store, done.study.id, 2)
    queued = train_best(store, "small", chosen, networks=None, epochs=None, now=NOW)
    assert (queued.study.state, queued.networks) == (StudyState.RUNNING, 6)
    tasks: list[TrialTask] = []

    def note(task: TrialTask) -> Observation:
        tasks.append(task)
        return succeed(task)

    executor.script = note
    assert done.run() is StudyState.COMPLETED
    assert {(task.epochs, task.training.learning_rate, task.keep_network) for task in tasks} == {(40, 0.2, True)}
    assert len({task.seed for task in tasks}) == 6
    final = final_proposals(store, done.study.id)
    assert [(proposal.parent, proposal.theta) for proposal in final] == [(item.proposal, item.theta) for item in chosen]
    proposals, evaluations = store.history(done.study.id)
    assert [evaluation.samples for evaluation in evaluations[-2:]] == [3, 3]
    assert search_alone(proposals, evaluations) == before


def test_a_final_batch_below_the_searchs_smallest_stays_its_own(store: Store) -> None:
    """Where the memory is enough for it, and not for the smallest of the search."""
    study = create(store, small_spec(search="{algorithm: bohb, iterations: 3}", final_training="{batch_size: 32}"))
    assert Orchestrator(store, study, SimulatedExecutor()).run() is StudyState.COMPLETED
    chosen = generators(store, study.id, 1)
    trial = next(trial for trial in store.drawn_trials(study.id) if trial.proposal == chosen[0].proposal)
    assert trial.bytes_per_sample is not None
    memory = training_bytes(RECIPE.training, 48, trial.bytes_per_sample, trial.parameters)
    tight = replace(RECIPE, memory=memory, training=replace(RECIPE.training, smallest_batch_size=64))
    store.set_dataset(study.id, tight, None)
    assert train_best(store, "small", chosen, networks=2, epochs=5, now=NOW).infeasible == ()
    tasks: list[TrialTask] = []

    def note(task: TrialTask) -> Observation:
        tasks.append(task)
        return succeed(task)

    executor = SimulatedExecutor()
    executor.script = note
    assert Orchestrator(store, store.study("small"), executor).run() is StudyState.COMPLETED
    assert [(task.training.batch_size, task.training.smallest_batch_size) for task in tasks] == [(32, 32), (32, 32)]


def test_the_search_replays_as_before(store: Store) -> None:
    done, _ = searched(store)
    train_best(store, "small", generators(store, done.study.id, 1), networks=2, epochs=5, now=NOW)
    assert done.run() is StudyState.COMPLETED
    assert verify(make_proposer(SPEC, RECIPE), *search_alone(*store.history(done.study.id))) == ()


def test_the_best_stays_what_the_search_found(store: Store, engine: Engine) -> None:
    done, _ = searched(store)
    before = found.incumbent(engine, "small"), found.pareto_front(engine, "small")
    chosen = generators(store, done.study.id, 2)
    train_best(store, "small", chosen, networks=2, epochs=5, now=NOW)
    assert done.run() is StudyState.COMPLETED
    assert (found.incumbent(engine, "small"), found.pareto_front(engine, "small")) == before
    assert final_training.counts(engine, "small") == [
        FinalTrainingCount(epochs=5, state=TrialState.SUCCEEDED, trials=4)
    ]
    trained = final_training.generators(engine, "small")
    assert [(row.parent, row.epochs, len(row.trials)) for row in trained] == [(item.proposal, 5, 2) for item in chosen]


def test_asking_again_adds_nothing_and_goes_on_where_it_stopped(store: Store) -> None:
    done, _ = searched(store)
    chosen = generators(store, done.study.id, 2)
    first = train_best(store, "small", chosen[:1], networks=2, epochs=5, now=NOW)
    assert (first.networks, first.generators, first.infeasible) == (2, 1, ())
    assert done.run() is StudyState.COMPLETED
    queued = train_best(store, "small", chosen[:1], networks=2, epochs=5, now=NOW)
    assert (queued.study.state, queued.networks) == (StudyState.COMPLETED, 0)
    assert train_best(store, "small", chosen, networks=2, epochs=5, now=NOW).networks == 2
    assert done.run() is StudyState.COMPLETED
    assert len(final_proposals(store, done.study.id)) == 2


def test_networks_that_are_missing_are_added_to_those_that_are_there(store: Store, engine: Engine) -> None:
    done, _ = searched(store)
    chosen = generators(store, done.study.id, 2)
    assert train_best(store, "small", chosen[:1], networks=2, epochs=5, now=NOW).networks == 2
    assert done.run() is StudyState.COMPLETED
    assert train_best(store, "small", chosen, networks=4, epochs=5, now=NOW).networks == 2 + 4
    assert done.run() is StudyState.COMPLETED
    trained = final_training.generators(engine, "small")
    assert [(row.parent, row.epochs, len(row.trials)) for row in trained] == [(item.proposal, 5, 4) for item in chosen]
    numbers = {trial.trial for row in trained for trial in row.trials}
    drawn = [trial for trial in store.drawn_trials(done.study.id) if trial.number in numbers]
    assert len({trial.training_seed for trial in drawn}) == 8
    assert train_best(store, "small", chosen, networks=3, epochs=5, now=NOW).networks == 0


def test_a_network_that_failed_is_none(store: Store) -> None:
    done, executor = searched(store)
    chosen = generators(store, done.study.id, 1)
    train_best(store, "small", chosen, networks=3, epochs=5, now=NOW)
    failing: list[int] = []

    def fail_the_first(task: TrialTask) -> Observation:
        failing.append(task.seed)
        defect = Observation(phase=Phase.ENDED, exit_code=70, failure=Failure.DEFECT)
        return defect if task.seed == failing[0] else succeed(task)

    executor.script = fail_the_first
    assert done.run() is StudyState.COMPLETED
    assert train_best(store, "small", chosen, networks=3, epochs=5, now=NOW).networks == 1


def test_networks_that_cannot_be_trained_are_told_of(store: Store) -> None:
    done = Orchestrator(store, create(store, SPEC, replace(RECIPE, parameter_limit=230)), SimulatedExecutor())
    assert done.run() is StudyState.COMPLETED
    chosen = generators(store, done.study.id, 2)
    queued = train_best(store, "small", chosen, networks=2, epochs=5, now=NOW)
    assert (queued.networks, queued.generators) == (4, 2)
    before = store.trial_counts(done.study.id)[TrialState.SUCCEEDED]
    assert done.run() is StudyState.COMPLETED
    after = store.trial_counts(done.study.id)[TrialState.SUCCEEDED]
    assert after - before == queued.networks - len(queued.infeasible)
    assert 0 < len(queued.infeasible) < 4
    assert all("above the limit of 230" in reason for reason in queued.infeasible)


@pytest.mark.parametrize("epochs", [None, 4, 5])
def test_the_searchs_own_longest_and_more_is_not_odd(store: Store, epochs: int | None) -> None:
    assert short_of_search(create(store, SPEC), epochs) is None


def test_less_than_the_searchs_own_longest_is_odd(store: Store) -> None:
    odd = short_of_search(create(store, SPEC), 3)
    assert odd is not None
    assert re.search("3 epochs, fewer than the search's 4", odd)


def test_a_search_that_goes_on_is_not_trained(store: Store) -> None:
    create(store, SPEC)
    with pytest.raises(NagoError, match="the study small is running"):
        train_best(store, "small", [], networks=None, epochs=None, now=NOW)


def test_a_search_that_found_nothing_has_nothing_to_train(store: Store) -> None:
    searched(store)
    with pytest.raises(NagoError, match="has found no generator"):
        train_best(store, "small", [], networks=None, epochs=None, now=NOW)


@pytest.mark.parametrize(
    ("kubernetes", "kept"),
    [(None, True), ("{image: trainer, checkpoints: {claim: here}}", True), ("{image: trainer}", False)],
)
def test_networks_outlive_pods_only_on_a_volume(store: Store, kubernetes: str | None, kept: bool) -> None:
    execution = f"{{where: kubernetes, kubernetes: {kubernetes}}}" if kubernetes else "{where: local}"
    assert keeps_networks(create(store, small_spec(execution=execution))) == kept


def test_random_generators_and_chosen_proposals_are_trained_beside_the_best(store: Store, engine: Engine) -> None:
    done, _ = searched(store)
    choice = Choice(best=True, proposals=(3, 3), random=2)
    chosen = chosen_generators(engine, "small", choice)
    best = found.incumbent(engine, "small")
    assert best is not None
    assert [generator.proposal for generator in chosen] == [best.proposal, 3, None, None]
    assert chosen_generators(engine, "small", choice) == chosen
    train_best(store, "small", chosen, networks=2, epochs=5, now=NOW)
    assert done.run() is StudyState.COMPLETED
    trained = final_training.generators(engine, "small")
    assert [row.parent for row in trained] == [best.proposal, 3, None, None]
    assert [len(row.trials) for row in trained] == [2, 2, 2, 2]
    assert found.incumbent(engine, "small") == best  # none of them counts for the search
    assert train_best(store, "small", chosen, networks=2, epochs=5, now=NOW).networks == 0
    *_, together = final_summaries(trained, {})
    assert (together.generator, together.networks) == ("all random", 4)
    assert together.deviation is not None


@pytest.mark.parametrize("number", [999, -1])
def test_a_proposal_that_the_search_has_not_made_is_named(store: Store, engine: Engine, number: int) -> None:
    searched(store)
    with pytest.raises(NotFoundError, match=f"made no proposal {number}"):
        chosen_generators(engine, "small", Choice(proposals=(0, number)))
