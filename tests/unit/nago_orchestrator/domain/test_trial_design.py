"""From theta and seeds to a trial, and to the task of its trainer."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from nago_orchestrator.domain.trial_design import attempt_name, build_task, design_trial
from nago_orchestrator.domain.trials import NewTrial, TrialDesign
from nago_trainer.architecture import HYPERPARAMETERS, Architecture, TensorShape, build_plan, count_parameters
from nago_trainer.contract.task import TrainingSettings, TrialTask
from tests.studies import RECIPE

FIXED = {
    **{f"stage_ratio_{stage}": 1 / 3 for stage in (1, 2, 3)},
    **{f"channel_ratio_{stage}": 2.0 ** (stage - 1) for stage in (1, 2, 3)},
    **{hyperparameter.name: 0.0 for hyperparameter in HYPERPARAMETERS if hyperparameter.name.startswith("operation_")},
    **{hyperparameter.name: 0.0 for hyperparameter in HYPERPARAMETERS if hyperparameter.name.startswith("merge_")},
    "operation_conv3x3": 1.0,
    "merge_weighted_sum": 1.0,
}


def theta(**changes: float) -> dict[str, float | int]:
    graphs = {
        "top_nodes": 4,
        "top_k": 2,
        "top_p": 0.5,
        "mid_nodes": 2,
        "mid_p": 0.5,
        "bottom_nodes": 3,
        "bottom_k": 2,
        "bottom_p": 0.5,
    }
    return {**FIXED, **graphs, **changes}


def design(hyperparameters: dict[str, float | int], limit: int = 30_000, connected: bool = False) -> NewTrial:
    recipe = replace(RECIPE, parameter_limit=limit)
    return design_trial(hyperparameters, recipe, connected=connected, replicate=0, architecture_seed=5, training_seed=6)


def test_a_trial_knows_what_it_costs_before_it_is_trained() -> None:
    trial = design(theta())
    assert trial.infeasible is None
    assert trial.width is not None
    architecture = Architecture.from_json(trial.architecture)
    assert (architecture.digest(), architecture.node_count) == (trial.architecture_hash, trial.nodes) != ("", 0)
    plan = build_plan(architecture, TensorShape(1, 8), 10, trial.width)
    assert trial.parameters == count_parameters(plan) <= 30_000
    assert count_parameters(build_plan(architecture, TensorShape(1, 8), 10, trial.width + 1)) > 30_000
    assert trial.flops
    assert trial.bytes_per_sample


def test_the_same_seeds_give_the_same_trial() -> None:
    assert design(theta()) == design(theta())


def test_a_limit_out_of_reach_is_infeasible_with_the_smallest_total() -> None:
    trial = design(theta(), limit=50)
    assert (trial.width, trial.flops, trial.bytes_per_sample) == (None, None, None)
    assert trial.parameters > 50
    assert f"{trial.parameters:,}" in (trial.infeasible or "")


def test_a_connected_graph_that_cannot_be_drawn_is_infeasible_without_an_architecture() -> None:
    trial = design(theta(mid_nodes=10, mid_p=0.0), connected=True)
    assert trial.infeasible
    assert dict(trial.architecture) == {}


def test_the_task_carries_the_design_and_survives_its_json_form() -> None:
    trial = design(theta())
    stored = TrialDesign(
        study="digits",
        number=17,
        architecture=dict(trial.architecture),
        width=trial.width,
        parameters=trial.parameters,
        training_seed=trial.training_seed,
        fidelity=12,
    )
    task = build_task(stored, RECIPE, attempt=2, token="secret")
    assert TrialTask.from_json(task.to_json()) == task
    assert (task.study, task.trial, task.attempt, task.epochs, task.seed) == ("digits", 17, 2, 12, 6)
    measuring = build_task(stored, RECIPE, attempt=2, token="secret", measures=("macro_f1",))
    assert measuring.to_json()["training"].keys() - task.to_json()["training"].keys() == {"measures"}
    assert TrialTask.from_json(measuring.to_json()) == measuring


def test_an_infeasible_trial_has_no_task() -> None:
    stored = TrialDesign(
        study="digits", number=1, architecture={}, width=None, parameters=9, training_seed=1, fidelity=1
    )
    with pytest.raises(ValueError, match="width"):
        build_task(stored, RECIPE, attempt=1, token="secret")


def test_the_largest_batch_within_the_studys_memory_is_taken() -> None:
    trial = design(theta())
    assert trial.bytes_per_sample is not None
    stored = TrialDesign(
        study="digits",
        number=17,
        architecture=dict(trial.architecture),
        width=trial.width,
        parameters=trial.parameters,
        bytes_per_sample=trial.bytes_per_sample,
        training_seed=1,
        fidelity=1,
    )
    line = replace(RECIPE.training, batch_size=64, learning_rate=0.1, reference_batch_size=8)
    training = replace(line, reference_learning_rate=0.03)

    def task_of(memory: int | None) -> TrainingSettings:
        recipe = replace(RECIPE, training=training, memory=memory)
        return build_task(stored, recipe, attempt=1, token="secret").training

    weights = 3 * 4 * trial.parameters
    assert task_of(None) == training
    assert task_of(weights + 10**12) == training
    some = task_of(weights + 36 * trial.bytes_per_sample)
    assert some.batch_size == 36
    assert some.learning_rate == pytest.approx(0.065)
    assert task_of(weights + 36 * trial.bytes_per_sample - 1).batch_size == 35
    assert task_of(1).batch_size == 1
    training = replace(training, smallest_batch_size=100)
    assert task_of(1).batch_size == 64


@pytest.mark.parametrize(("images", "feasible"), [(7, False), (8, True)])
def test_a_network_whose_smallest_batch_does_not_fit_is_infeasible(images: int, feasible: bool) -> None:
    fitting = design(theta(), limit=30_000)
    assert fitting.bytes_per_sample is not None
    memory = 12 * fitting.parameters + images * fitting.bytes_per_sample
    recipe = replace(
        RECIPE, parameter_limit=30_000, memory=memory, training=replace(RECIPE.training, smallest_batch_size=8)
    )
    trial = design_trial(theta(), recipe, connected=False, replicate=0, architecture_seed=5, training_seed=6)
    assert (trial.infeasible is None) is feasible
    if not feasible:
        assert re.match(r"a batch of 8 needs .* [kM]B, more than trainer.memory \(", str(trial.infeasible))


def test_attempt_names_are_short_enough_for_a_job_and_its_pods() -> None:
    assert attempt_name("digits", 7, 1) == "digits-t00007-a1"
    assert len(attempt_name("s" * 40, 99_999, 9)) <= 52
