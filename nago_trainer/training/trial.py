"""One trial from its task to its result: data, network, training, saved network. Called by `attempt`.

The first module on the way that needs torch, so that an attempt is claimed before torch is loaded. Sets the process's
number of threads and torch's seed: a process runs one trial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, nn

from nago_trainer.architecture import Architecture, Plan, TensorShape, build_plan, count_parameters
from nago_trainer.contract.attempt_files import NETWORK_FILE
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.contract.task import DatasetSettings, TrialTask
from nago_trainer.data.images import ImageSet
from nago_trainer.data.splits import Splits, make_splits
from nago_trainer.errors import TaskError
from nago_trainer.network.network import build_network
from nago_trainer.network.saved_network import NetworkFacts, save_network
from nago_trainer.training.checkpoint_policy import Keeping
from nago_trainer.training.loop import has_diverged
from nago_trainer.training.resumable import ResumableTraining
from nago_trainer.training.seeds import derive_seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a trial needs beside its task."""

    folder: Path
    """Where the network is saved."""
    read_images: Callable[[DatasetSettings], ImageSet]
    on_epoch: Callable[[EpochRecord], None]
    started: float
    """`time.monotonic()` at the attempt's start."""
    keeping: Keeping | None = None
    """Where and when checkpoints are written, if they are."""


def run_trial(task: TrialTask, surroundings: Surroundings) -> TrialResult:
    """Raises TaskError, DataError, InfeasibleError or PreemptedError."""
    plan = checked_plan(task)
    device = choose_device(task.device)
    _fix_process(task, device)
    images = surroundings.read_images(task.dataset)
    settings = task.dataset
    splits = make_splits(images, fraction=settings.validation_fraction, seed=settings.split_seed, device=device)
    training = ResumableTraining(
        task,
        splits,
        new_network=lambda: _fresh_network(task, plan, device),
        keeping=surroundings.keeping,
        started=surroundings.started,
    )
    last = training.run(surroundings.on_epoch)
    diverged = has_diverged(last)
    kept = task.keep_network and not diverged
    if kept:
        surroundings.folder.mkdir(parents=True, exist_ok=True)
        save_network(training.network, _facts(task, images, splits, last), surroundings.folder / NETWORK_FILE)
    return TrialResult(
        validation_accuracy=last.validation_accuracy,
        validation_loss=last.validation_loss,
        diverged=diverged,
        epochs=last.epoch,
        seconds=training.seconds,
        seconds_to_first_step=training.seconds_to_first_step,
        parameters=task.parameters,
        device=str(device),
        network=str(surroundings.folder / NETWORK_FILE) if kept else None,
    )


def checked_plan(task: TrialTask) -> Plan:
    """Raises TaskError where the task contradicts itself, above all in its number of parameters."""
    if task.epochs < 1 or task.training.batch_size < 1:
        raise TaskError(f"{task.epochs} epochs with batches of {task.training.batch_size} images cannot be trained")
    image = TensorShape(task.dataset.channels, task.dataset.image_size)
    try:
        plan = build_plan(Architecture.from_json(task.architecture), image, task.dataset.classes, task.width)
    except ValueError as error:  # ArchitectureError, or a width below 1
        raise TaskError(f"the task's architecture is wrong: {error}") from error
    counted = count_parameters(plan)
    if counted != task.parameters:
        raise TaskError(f"the network has {counted} parameters, the task says {task.parameters}: versions differ")
    if counted > task.parameter_limit:
        raise TaskError(f"the network has {counted} parameters, more than the limit of {task.parameter_limit}")
    return plan


def choose_device(name: str) -> torch.device:
    """`auto` is the first GPU, or the CPU where there is none. Raises TaskError for a device that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # AssertionError: torch without CUDA
        raise TaskError(f"this machine has no device {name!r}: choose auto or cpu") from error
    return device


def _fix_process(task: TrialTask, device: torch.device) -> None:
    torch.set_num_threads(max(1, task.threads))
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True)
        # A debugging aid, on by default, that costs a pass over every tensor.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch: a property


def _fresh_network(task: TrialTask, plan: Plan, device: torch.device) -> nn.Module:
    """The same first weights on every device: they are drawn on the CPU."""
    seeds = derive_seeds(task.seed)
    torch.manual_seed(seeds.dropout)
    network = build_network(plan, task.training.dropout, generator=Generator().manual_seed(seeds.network))
    built = sum(parameter.numel() for parameter in network.parameters())
    if built != task.parameters:
        raise TaskError(f"the built network has {built} parameters, its plan says {task.parameters}")
    return network.to(device)


def _facts(task: TrialTask, images: ImageSet, splits: Splits, last: EpochRecord) -> NetworkFacts:
    return NetworkFacts(
        study=task.study,
        trial=task.trial,
        architecture=task.architecture,
        width=task.width,
        dataset=task.dataset,
        class_names=images.class_names,
        normalisation=splits.normalisation,
        dropout=task.training.dropout,
        parameters=task.parameters,
        epochs=last.epoch,
        validation_accuracy=last.validation_accuracy,
    )
