from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nago_trainer.architecture import (
    RNAG_HYPERPARAMETERS,
    RnagTheta,
    TensorShape,
    count_parameters,
    fit_plan,
    sample_architecture,
)
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.contract.task import TrialTask
from nago_trainer.data.catalogue import load_images
from nago_trainer.errors import TrainerError
from nago_trainer.network.saved_network import load_network
from nago_trainer.training import trial
from nago_trainer.training.context import AttemptContext
from nago_trainer.training.trial import run_trial

Run = Callable[[TrialTask], tuple[TrialResult, list[EpochRecord]]]


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """A trial changes settings of its process, which here is also that of other tests."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_it(task: TrialTask) -> tuple[TrialResult, list[EpochRecord]]:
        records: list[EpochRecord] = []
        context = AttemptContext(folder=tmp_path, read_images=load_images, started=time.monotonic())
        return run_trial(task, context, records.append), records

    return run_it


def test_the_result_is_that_of_the_last_epoch(run: Run, task: TrialTask) -> None:
    result, records = run(replace(task, epochs=2))
    assert [record.epoch for record in records] == [1, 2]
    assert (result.validation_accuracy, result.validation_loss, result.epochs, result.diverged) == (
        records[-1].validation_accuracy,
        records[-1].validation_loss,
        2,
        False,
    )
    assert 0 < result.seconds_to_first_step < result.seconds
    assert result.parameters == task.parameters


def test_the_saved_network_is_the_one_that_was_measured(run: Run, task: TrialTask) -> None:
    result, _ = run(task)
    assert result.network is not None
    network = load_network(result.network)
    assert network.facts.validation_accuracy == result.validation_accuracy
    assert sum(parameter.numel() for parameter in network.parameters()) == result.parameters
    assert run(replace(task, keep_network=False))[0].network is None


@pytest.mark.slow
def test_three_graphs_in_sequence_learn_the_digits(run: Run, task: TrialTask) -> None:
    graphs = {f"stage_{stage}_{part}": value for stage in (1, 2, 3) for part, value in (("nodes", 4), ("k", 2))}
    fixed = {item.name: item.default for item in RNAG_HYPERPARAMETERS if not isinstance(item.default, tuple)}
    theta = RnagTheta.from_mapping({**fixed, **graphs, **{f"stage_{stage}_p": 0.75 for stage in (1, 2, 3)}})
    architecture = sample_architecture(theta, 1)
    image = TensorShape(task.dataset.channels, task.dataset.image_size)
    width, plan = fit_plan(architecture, image, task.dataset.classes, 20_000)
    flat = replace(task, architecture=architecture.to_json(), width=width, parameters=count_parameters(plan))
    result, records = run(replace(flat, parameter_limit=20_000, epochs=4))
    assert records[-1].training_loss < 0.5 * records[0].training_loss
    assert result.validation_accuracy > 0.6


@pytest.mark.slow
def test_the_seed_alone_decides(run: Run, task: TrialTask) -> None:
    def losses(seed: int) -> list[float]:
        return [record.training_loss for record in run(replace(task, seed=seed, epochs=2))[1]]

    assert losses(3) == losses(3)
    assert losses(3) != losses(4)


def test_a_diverged_training_is_a_result_without_network(run: Run, task: TrialTask) -> None:
    wild = replace(task, epochs=5, training=replace(task.training, learning_rate=1e30, gradient_clip=0.0))
    result, records = run(wild)
    assert result.diverged
    assert (result.validation_accuracy, result.validation_loss, result.network) == (0.0, float("inf"), None)
    assert len(records) == result.epochs


def test_outputs_that_are_not_finite_count_as_diverged_whatever_the_loss(
    run: Run, task: TrialTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss is finite where an output of minus infinity is that of a wrong class."""
    monkeypatch.setattr(trial, "measure_network", lambda *_, **__: None)
    result, _ = run(task)
    assert (result.diverged, result.validation_accuracy, result.network) == (True, 0.0, None)
    assert result.problem() is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parameters": 1}, "parameters, and the task says 1"),
        ({"parameter_limit": 10}, "more than the limit of 10"),
        ({"architecture": {}}, "invalid architecture in the task"),
        ({"width": 0}, "invalid architecture in the task"),
        ({"epochs": 0}, "epochs \\(0"),
        ({"device": "cuda:99"}, "this machine has no device 'cuda:99'"),
        ({"device": "toaster"}, "this machine has no device 'toaster'"),
    ],
)
def test_a_task_that_cannot_be_right_is_refused(
    run: Run, task: TrialTask, change: dict[str, object], message: str
) -> None:
    with pytest.raises(TrainerError, match=message):
        run(replace(task, **change))  # type: ignore[arg-type]  # each key has the type of its field
