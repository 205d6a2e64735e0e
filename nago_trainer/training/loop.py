"""Trains one network, from settings and images to a record of each epoch.

No random number comes from a global generator, save the network's own dropout. Letters of the shapes: N images in all,
B in one batch, C channels of S x S pixels, K classes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import closing

import torch
from torch import Generator, Tensor, nn

from nago_trainer.contract.learning_rate import images_at_once, with_images_at_once
from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import BEST_EPOCH, TrainingSettings, TrialTask
from nago_trainer.data.splits import Splits
from nago_trainer.data.streaming import in_turn
from nago_trainer.errors import PreemptedError
from nago_trainer.log import log
from nago_trainer.network.network import set_drop_path
from nago_trainer.training import checkpoint
from nago_trainer.training.averaging import copied_values
from nago_trainer.training.balance import class_weights
from nago_trainer.training.batch_size import within_memory
from nago_trainer.training.batches import Batch, prepared_batch, shuffled_batches
from nago_trainer.training.checkpoint import Checkpoint
from nago_trainer.training.checkpoint_policy import CheckpointPolicy
from nago_trainer.training.context import AttemptContext
from nago_trainer.training.evaluation import Score, evaluate
from nago_trainer.training.progress import has_ended, is_best
from nago_trainer.training.schedule import learning_rate
from nago_trainer.training.seeds import derive_seeds
from nago_trainer.training.state import TrainingInterruptedError, TrainingState, initial_state
from nago_trainer.training.step import training_step

DIVERGED = Score(loss=math.inf, accuracy=0.0)


def train(
    task: TrialTask,
    splits: Splits,
    new_network: Callable[[], nn.Module],
    context: AttemptContext,
    on_epoch: Callable[[EpochRecord], None],
) -> TrainingState:
    """The trained network and its records; resumes from the checkpoint of an earlier attempt, and saves its own.

    `on_epoch` is called for every epoch of the trial, those of earlier attempts included. Raises InfeasibleError, and
    PreemptedError after SIGTERM, once a checkpoint is saved.
    """
    policy = context.checkpoints
    saved = _starting_point(task, policy)
    interrupted = policy.interrupted if policy else bool
    seeds = derive_seeds(task.seed)

    def first_epoch(batch_size: int) -> TrainingState:
        settings = with_images_at_once(task.training, batch_size)
        state = checkpoint.resume(saved, lambda: initial_state(new_network(), settings, seeds), batch_size)
        if not state.records or not has_ended(state.records, settings, task.epochs):
            train_epoch(state, splits, settings, epochs=task.schedule, interrupted=interrupted)
        return state

    saved_at = time.monotonic()
    if policy:
        policy.on_training()
    try:
        first = saved.batch_size if saved else images_at_once(task.training)
        state = within_memory(first_epoch, first, task.training.smallest_batch_size)
        settings = with_images_at_once(task.training, state.batch_size)
        for record in state.records[state.inherited :]:
            on_epoch(record)
        while not has_ended(state.records, settings, task.epochs):
            if policy and time.monotonic() - saved_at >= policy.seconds:
                _save_checkpoint(state, task, policy, context.started)
                saved_at = time.monotonic()
            on_epoch(train_epoch(state, splits, settings, epochs=task.schedule, interrupted=interrupted))
    except TrainingInterruptedError as error:
        _save_checkpoint(error.state, task, policy, context.started)
        raise PreemptedError("ended by SIGTERM; the next attempt resumes from the checkpoint") from error
    _finish(state, task, policy, context.started)
    return state


def _finish(state: TrainingState, task: TrialTask, policy: CheckpointPolicy | None, started: float) -> None:
    if task.epochs < task.schedule:  # another trial may go on from here
        _save_checkpoint(state, task, policy, started)
    state.finish()


def _starting_point(task: TrialTask, policy: CheckpointPolicy | None) -> Checkpoint | None:
    """Of an earlier attempt, else of the trial from which this one goes on."""
    if policy is None:
        return None
    policy.clear_unneeded()
    own = checkpoint.load(task, policy.file)
    return checkpoint.load_parent(task, policy.parent) if own is None and policy.parent else own


def train_epoch(
    state: TrainingState,
    splits: Splits,
    settings: TrainingSettings,
    *,
    epochs: int,
    interrupted: Callable[[], bool] = bool,
) -> EpochRecord:
    """The steps that are left of the state's epoch, then the validation; its record is the state's last one.

    `epochs`: of the run, over which the learning rate falls to zero.

    `interrupted` is asked before each step: raises TrainingInterruptedError, after which the state can be continued.
    """
    started = time.monotonic()
    labels = splits.training.labels  # int64 [N]
    weights = class_weights(labels, splits.classes, settings)  # [K]
    order = Generator()
    order.set_state(state.order)
    batches = shuffled_batches(labels, settings.batch_size, order, settings.balance)  # int64 [B] each
    steps_before, steps = state.epoch * len(batches) - len(batches), epochs * len(batches)
    state.network.train()
    if settings.drop_path:
        set_drop_path(state.network, settings.drop_path * state.epoch / epochs)
    left = batches[len(state.losses) :]
    with closing(in_turn(splits.training, left)) as images:
        for chosen, pixels in zip(left, images, strict=True):
            if interrupted():
                raise TrainingInterruptedError(state)
            batch = prepared_batch(splits, chosen, pixels, settings, state.augmentation)
            step = steps_before + len(state.losses)
            _take_step(state, batch, settings, weights, learning_rate(settings, step, steps, len(batches)))
            if state.average is not None:
                state.average.update(state.network, step)
    seen = sum(map(len, batches))
    fitted = Score(
        loss=torch.stack(state.losses).sum().item() / seen, accuracy=torch.stack(state.hits).sum().item() / seen
    )
    with state.evaluated_network() as network:
        measured = _validate(network, splits, settings, fitted)
        record = EpochRecord(
            epoch=state.epoch,
            training_loss=fitted.loss,
            training_accuracy=fitted.accuracy,
            validation_loss=measured.loss,
            validation_accuracy=measured.accuracy,
            learning_rate=learning_rate(settings, state.epoch * len(batches), steps, len(batches)),
            seconds=time.monotonic() - started,
        )
        if settings.keep == BEST_EPOCH and is_best(record, state.records):
            state.best = copied_values(network)
    state.end_epoch(record, order.get_state())
    return record


def _take_step(
    state: TrainingState, batch: Batch, settings: TrainingSettings, weights: Tensor | None, rate: float
) -> None:
    state.first_step_at = state.first_step_at or time.monotonic()
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    loss, hits = training_step(state, batch, settings, weights)
    state.losses.append(loss)
    state.hits.append(hits)


def _save_checkpoint(state: TrainingState, task: TrialTask, policy: CheckpointPolicy | None, started: float) -> None:
    """If there is a place for it. A checkpoint that cannot be written costs time later, not the training now."""
    if policy is None:
        return
    try:
        checkpoint.save(state, task, policy.file, seconds=state.earlier_seconds + time.monotonic() - started)
    except OSError as error:
        log(f"cannot save a checkpoint in {policy.folder}: {error.strerror}")


def _validate(network: nn.Module, splits: Splits, settings: TrainingSettings, fitted: Score) -> Score:
    if not math.isfinite(fitted.loss):
        return DIVERGED
    score = evaluate(network, splits.validation, splits.normalisation, images_at_once(settings))
    return score if math.isfinite(score.loss) else DIVERGED
