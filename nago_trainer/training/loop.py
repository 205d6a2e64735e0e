"""Trains one network: SGD with momentum and a cosine learning rate, from settings and images to a record of each epoch.

No random number comes from a global generator, save the network's own dropout. Letters of the shapes: N images in all,
B in one batch, C channels of S x S pixels, K classes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from nago_trainer.contract.learning_rate import at_batch_size
from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import TrainingSettings, TrialTask
from nago_trainer.data.augmentation import cutout, random_crop, random_flip
from nago_trainer.data.splits import Normalisation, Splits
from nago_trainer.errors import PreemptedError
from nago_trainer.log import log
from nago_trainer.training import checkpoint
from nago_trainer.training.batch_size import within_memory
from nago_trainer.training.checkpoint_policy import CheckpointPolicy
from nago_trainer.training.context import AttemptContext
from nago_trainer.training.evaluation import Score, evaluate
from nago_trainer.training.schedule import cosine_learning_rate
from nago_trainer.training.seeds import derive_seeds
from nago_trainer.training.state import TrainingInterruptedError, TrainingState, initial_state

DIVERGED = Score(loss=math.inf, accuracy=0.0)


def train(
    task: TrialTask,
    splits: Splits,
    new_network: Callable[[], nn.Module],
    context: AttemptContext,
    on_epoch: Callable[[EpochRecord], None],
) -> TrainingState:
    """The trained network and its records; resumes from the checkpoint of an earlier attempt, and saves its own.

    `on_epoch` is called for every epoch, those of earlier attempts included. Raises InfeasibleError, and PreemptedError
    after SIGTERM, once a checkpoint is saved.
    """
    policy = context.checkpoints
    saved = checkpoint.load(task, policy.file) if policy else None
    interrupted = policy.interrupted if policy else bool
    seeds = derive_seeds(task.seed)

    def first_epoch(batch_size: int) -> TrainingState:
        settings = at_batch_size(task.training, batch_size)
        state = checkpoint.resume(saved, lambda: initial_state(new_network(), settings, seeds), batch_size)
        train_epoch(state, splits, settings, epochs=task.epochs, interrupted=interrupted)
        return state

    saved_at = time.monotonic()
    if policy:
        policy.on_training()
    try:
        first = saved.batch_size if saved else task.training.batch_size
        state = within_memory(first_epoch, first, task.training.smallest_batch_size)
        settings = at_batch_size(task.training, state.batch_size)
        for record in state.records:
            on_epoch(record)
        while len(state.records) < task.epochs and not has_diverged(state.records[-1]):
            if policy and time.monotonic() - saved_at >= policy.seconds:
                _save_checkpoint(state, task, policy, context.started)
                saved_at = time.monotonic()
            on_epoch(train_epoch(state, splits, settings, epochs=task.epochs, interrupted=interrupted))
    except TrainingInterruptedError as error:
        if policy:
            _save_checkpoint(error.state, task, policy, context.started)
        raise PreemptedError("ended by SIGTERM; the next attempt resumes from the checkpoint") from error
    return state


def train_epoch(
    state: TrainingState,
    splits: Splits,
    settings: TrainingSettings,
    *,
    epochs: int,
    interrupted: Callable[[], bool] = bool,
) -> EpochRecord:
    """The steps that are left of the state's epoch, then the validation; its record is the state's last one.

    `interrupted` is asked before each step: raises TrainingInterruptedError, after which the state can be continued.
    """
    started = time.monotonic()
    network, optimizer = state.network, state.optimizer
    labels = splits.training.labels  # int64 [N]
    order = Generator()
    order.set_state(state.order)
    batches = shuffled_batches(labels, settings.batch_size, order)  # int64 [B] each
    steps_before, steps = state.epoch * len(batches) - len(batches), epochs * len(batches)
    network.train()
    for step in range(len(state.losses), len(batches)):
        if interrupted():
            raise TrainingInterruptedError(state)
        chosen = batches[step]  # [B]
        images = _augment(
            splits.training.at(chosen), splits.normalisation, settings, state.augmentation
        )  # float [B, C, S, S]
        targets = labels[chosen]  # [B]
        state.first_step_at = state.first_step_at or time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = cosine_learning_rate(settings.learning_rate, steps_before + step, steps)
        logits = network(images)  # [B, K]
        loss = cross_entropy(logits, targets, label_smoothing=settings.label_smoothing)  # []
        _update(state, loss, settings)
        state.losses.append(loss.detach() * len(targets))  # []
        state.hits.append((logits.detach().argmax(1) == targets).sum())  # []
    seen = sum(map(len, batches))
    fitted = Score(
        loss=torch.stack(state.losses).sum().item() / seen, accuracy=torch.stack(state.hits).sum().item() / seen
    )
    measured = _validate(network, splits, settings, fitted)
    record = EpochRecord(
        epoch=state.epoch,
        training_loss=fitted.loss,
        training_accuracy=fitted.accuracy,
        validation_loss=measured.loss,
        validation_accuracy=measured.accuracy,
        learning_rate=cosine_learning_rate(settings.learning_rate, state.epoch * len(batches), steps),
        seconds=time.monotonic() - started,
    )
    state.end_epoch(record, order.get_state())
    return record


def _update(state: TrainingState, loss: Tensor, settings: TrainingSettings) -> None:
    """One step of the optimiser; in fp16 not where a gradient has overflowed: the scale of the next losses is lower."""
    state.optimizer.zero_grad()
    state.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    if settings.gradient_clip > 0:
        state.scaler.unscale_(state.optimizer)
        clip_grad_norm_(state.network.parameters(), settings.gradient_clip)
    state.scaler.step(state.optimizer)
    state.scaler.update()


def _save_checkpoint(state: TrainingState, task: TrialTask, policy: CheckpointPolicy, started: float) -> None:
    """A checkpoint that cannot be written costs time later, not the training now."""
    try:
        checkpoint.save(state, task, policy.file, seconds=state.earlier_seconds + time.monotonic() - started)
    except OSError as error:
        log(f"cannot save a checkpoint in {policy.folder}: {error.strerror}")


def has_diverged(record: EpochRecord) -> bool:
    return not (math.isfinite(record.training_loss) and math.isfinite(record.validation_loss))


def shuffled_batches(labels: Tensor, batch_size: int, order: Generator) -> list[Tensor]:
    """The images' indices in batches; the last may be smaller, but a last batch of one image is left out.

    Batch normalisation of feature maps of one pixel cannot train on one image alone.
    """
    count = len(labels)
    shuffled = torch.randperm(count, generator=order).to(labels.device)  # [N]
    last_is_single = count > batch_size > 1 and count % batch_size == 1
    return list(torch.split(shuffled[: count - last_is_single], batch_size))


def _augment(pixels: Tensor, normalisation: Normalisation, settings: TrainingSettings, draws: Generator) -> Tensor:
    """Crop and flip bytes, so that what is padded is black; cut out of normalised pixels, so that it is average."""
    moved = random_crop(pixels, settings.crop_padding, draws)
    moved = random_flip(moved, draws) if settings.horizontal_flip else moved
    return cutout(normalisation.apply(moved), settings.cutout, draws)


def _validate(network: nn.Module, splits: Splits, settings: TrainingSettings, fitted: Score) -> Score:
    if not math.isfinite(fitted.loss):
        return DIVERGED
    score = evaluate(network, splits.validation, splits.normalisation, settings.batch_size)
    return score if math.isfinite(score.loss) else DIVERGED
