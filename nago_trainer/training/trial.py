"""One trial from its task to its result: data, network, training, saved network.

The first module on the way that needs torch, so that an attempt is claimed before torch is loaded. Sets the process's
number of threads and torch's seed: a process runs one trial.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Generator, nn

from nago_trainer.architecture import Architecture, Plan, TensorShape, build_plan, count_parameters
from nago_trainer.contract.attempt_files import NETWORK_FILE
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.contract.task import TrialTask
from nago_trainer.data.images import ImageSet
from nago_trainer.data.splits import Splits, make_splits
from nago_trainer.errors import TaskError
from nago_trainer.network.arithmetic import Arithmetic
from nago_trainer.network.network import build_network
from nago_trainer.network.saved_network import NetworkFacts, save_network
from nago_trainer.training.context import AttemptContext
from nago_trainer.training.custom_objective import CustomObjective, load_objective, value_of
from nago_trainer.training.device import choose_device
from nago_trainer.training.loop import DIVERGED, train
from nago_trainer.training.measuring import Measured, details_of, measure_network, reported
from nago_trainer.training.progress import chosen_record, has_diverged
from nago_trainer.training.seeds import derive_seeds
from nago_trainer.training.state import TrainingState


def run_trial(task: TrialTask, context: AttemptContext, on_epoch: Callable[[EpochRecord], None]) -> TrialResult:
    """Raises TaskError, DataError, InfeasibleError or PreemptedError."""
    plan = checked_plan(task)
    device = choose_device(task.device)
    _fix_process(task, device)
    objective = load_objective(task.training.objective) if task.training.objective else None
    images = context.read_images(task.dataset)
    settings = task.dataset
    splits = make_splits(images, fraction=settings.validation_fraction, seed=settings.split_seed, device=device)
    state = train(task, splits, lambda: _new_network(task, plan, device), context, on_epoch)
    chosen = chosen_record(state.records, task.training)
    measured = None if has_diverged(state.records[-1]) else _measured(state, splits, task)
    diverged = measured is None  # outputs that are not finite may have a finite loss
    kept = task.keep_network and context.saves_networks and not diverged
    if kept:
        context.folder.mkdir(parents=True, exist_ok=True)
        save_network(state.network, _facts(task, images, splits, chosen), context.folder / NETWORK_FILE)
    now = time.monotonic()
    return TrialResult(
        validation_accuracy=DIVERGED.accuracy if diverged else chosen.validation_accuracy,
        validation_loss=DIVERGED.loss if diverged else chosen.validation_loss,
        diverged=diverged,
        epochs=len(state.records),
        seconds=state.earlier_seconds + now - context.started,
        seconds_to_first_step=(state.first_step_at or now) - context.started,
        parameters=task.parameters,
        device=str(device),
        network=str(context.folder / NETWORK_FILE) if kept else None,
        **reported(measured),
        custom=_custom(task, objective, measured),
        details=details_of(measured, splits, images, task.dataset) if measured and task.keep_network else None,
    )


def _measured(state: TrainingState, splits: Splits, task: TrialTask) -> Measured | None:
    return measure_network(
        state.network,
        splits.validation,
        splits.normalisation,
        batch_size=state.batch_size,
        classes=task.dataset.classes,
        outputs=task.training.objective is not None,
    )


def _custom(task: TrialTask, objective: CustomObjective | None, measured: Measured | None) -> float | None:
    """NaN if the training diverged. Raises ObjectiveError."""
    name = task.training.objective
    if objective is None or name is None:
        return None
    outputs = None if measured is None else measured.outputs
    return math.nan if outputs is None else value_of(objective, name, *outputs)


def checked_plan(task: TrialTask) -> Plan:
    """Raises TaskError where the task contradicts itself, above all in its number of parameters."""
    if task.epochs < 1 or task.training.batch_size < 1:
        raise TaskError(f"epochs ({task.epochs}) and batch size ({task.training.batch_size}) must be at least 1")
    if task.schedule < task.epochs:
        raise TaskError(f"the trial has {task.epochs} epochs, and the run that it begins has {task.run_of}")
    image = TensorShape(task.dataset.channels, task.dataset.image_size)
    try:
        plan = build_plan(Architecture.from_json(task.architecture), image, task.dataset.classes, task.width)
    except ValueError as error:  # ArchitectureError, or a width below 1
        raise TaskError(f"invalid architecture in the task: {error}") from error
    counted = count_parameters(plan)
    if counted != task.parameters:
        raise TaskError(
            f"the network has {counted} parameters, and the task says {task.parameters}",
            do="use the same version of orchestrator and trainer",
        )
    if counted > task.parameter_limit:
        raise TaskError(f"the network has {counted} parameters, more than the limit of {task.parameter_limit}")
    return plan


def _fix_process(task: TrialTask, device: torch.device) -> None:
    torch.set_num_threads(max(1, task.threads))
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True)
        # A debugging aid, on by default, that costs a pass over every tensor.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch: a property


def _new_network(task: TrialTask, plan: Plan, device: torch.device) -> nn.Module:
    """The same first weights on every device: they are drawn on the CPU."""
    seeds = derive_seeds(task.seed)
    torch.manual_seed(seeds.dropout)
    network = build_network(
        plan,
        task.training.dropout,
        generator=Generator().manual_seed(seeds.network),
        arithmetic=Arithmetic.of(task.training, device),
    )
    built = sum(parameter.numel() for parameter in network.parameters())
    if built != task.parameters:
        raise TaskError(f"the network has {built} parameters after it was built, and its plan says {task.parameters}")
    return network.to(device)


def _facts(task: TrialTask, images: ImageSet, splits: Splits, chosen: EpochRecord) -> NetworkFacts:
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
        epochs=chosen.epoch,
        run_of=task.run_of,
        validation_accuracy=chosen.validation_accuracy,
    )
