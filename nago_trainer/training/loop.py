"""Trains a network: SGD with momentum and a cosine schedule, a record for each epoch. Called by `trial`.

Nothing is printed or written, and no random number comes from a global generator, save the network's own dropout.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import TrainingSettings
from nago_trainer.data.augmentation import cutout, random_crop, random_flip
from nago_trainer.data.splits import Examples, Normalisation, Splits
from nago_trainer.training.evaluation import Score, evaluate
from nago_trainer.training.schedule import cosine_learning_rate
from nago_trainer.training.seeds import Seeds

DIVERGED = Score(loss=math.inf, accuracy=0.0)


class TrainingInterruptedError(Exception):
    """Raised between two steps because the course said so; the progress stands there and can be gone on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How one network is to be trained."""

    settings: TrainingSettings
    epochs: int
    seeds: Seeds
    on_first_step: Callable[[], None]
    """Called once, when the first batch is ready to enter the network."""
    interrupted: Callable[[], bool] = bool
    """Asked before each step; a training that is interrupted raises TrainingInterruptedError."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where a training stands, between two steps: all that decides how it goes on."""

    network: nn.Module
    optimizer: torch.optim.SGD
    order: Generator
    """Shuffles the images, once an epoch."""
    shuffled_from: Tensor
    """State of `order` before the shuffle of this epoch."""
    augmentation: Generator
    epoch: int = 1
    """The one that is being trained, or comes next."""
    losses: list[Tensor] = field(default_factory=list)
    """Summed over the images of each batch of this epoch so far."""
    hits: list[Tensor] = field(default_factory=list)
    """Images of each batch that were classified rightly."""

    @property
    def steps(self) -> int:
        """Of this epoch, so far."""
        return len(self.losses)


def begin(network: nn.Module, course: Course) -> Progress:
    """The progress of a training that has not begun."""
    order = Generator().manual_seed(course.seeds.order)
    return Progress(
        network=network,
        optimizer=make_optimizer(network, course.settings),
        order=order,
        shuffled_from=order.get_state(),
        augmentation=Generator().manual_seed(course.seeds.augmentation),
    )


def train(progress: Progress, splits: Splits, course: Course) -> Iterator[EpochRecord]:
    """Yields a record after each epoch; ends early after one whose loss is NaN or infinite (`has_diverged`).

    Goes on where the progress stands, and moves it. Raises TrainingInterruptedError.
    """
    settings = course.settings
    steps = len(batch_sizes(len(splits.training.labels), settings.batch_size))
    announce = _once(course.on_first_step)
    for epoch in range(progress.epoch, course.epochs + 1):
        started = time.monotonic()
        rates = [
            cosine_learning_rate(settings.learning_rate, (epoch - 1) * steps + step, course.epochs * steps)
            for step in range(steps + 1)
        ]
        fitted = _train_epoch(progress, splits, course, rates, announce)
        score = _validate(progress.network, splits, settings, fitted)
        _turn_over(progress)
        yield EpochRecord(
            epoch=epoch,
            training_loss=fitted.loss,
            training_accuracy=fitted.accuracy,
            validation_loss=score.loss,
            validation_accuracy=score.accuracy,
            learning_rate=rates[-1],
            seconds=time.monotonic() - started,
        )
        if score is DIVERGED:
            return


def has_diverged(record: EpochRecord) -> bool:
    return not (math.isfinite(record.training_loss) and math.isfinite(record.validation_loss))


def batch_sizes(count: int, batch_size: int) -> list[int]:
    """How `count` images are cut: the last batch may be smaller, but a last batch of one image is left out.

    Batch normalisation of feature maps of one pixel cannot train on one image alone.
    """
    sizes = [min(batch_size, count - start) for start in range(0, count, batch_size)]
    return sizes[:-1] if len(sizes) > 1 and sizes[-1] == 1 < batch_size else sizes


def make_optimizer(network: nn.Module, settings: TrainingSettings) -> torch.optim.SGD:
    """Weight decay on everything learnt. Its update runs as one operation, which small networks notice."""
    return torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def _batches(examples: Examples, batch_size: int, order: Generator) -> list[Tensor]:
    """The indices of each batch's images, shuffled."""
    count = len(examples.labels)
    shuffled = torch.randperm(count, generator=order).to(examples.labels.device)
    return list(torch.split(shuffled[: sum(batch_sizes(count, batch_size))], batch_size))


def _prepare(pixels: Tensor, normalisation: Normalisation, settings: TrainingSettings, draws: Generator) -> Tensor:
    """Crop and flip bytes, so that what is padded is black; cut out of normalised pixels, so that it is average."""
    moved = random_crop(pixels, settings.crop_padding, draws)
    moved = random_flip(moved, draws) if settings.horizontal_flip else moved
    return cutout(normalisation.apply(moved), settings.cutout, draws)


def _once(announce: Callable[[], None]) -> Callable[[], None]:
    """Announces when it is called for the first time."""
    waiting = [announce]
    return lambda: waiting.pop()() if waiting else None


def _train_epoch(
    progress: Progress, splits: Splits, course: Course, rates: list[float], announce: Callable[[], None]
) -> Score:
    """The steps that are left of the epoch, each at its learning rate. The loss is the smoothed one, as minimised."""
    settings, training = course.settings, splits.training
    progress.network.train()
    batches = _batches(training, settings.batch_size, progress.order)
    for step in range(progress.steps, len(batches)):
        if course.interrupted():
            raise TrainingInterruptedError
        indices = batches[step]
        images = _prepare(training.pixels[indices], splits.normalisation, settings, progress.augmentation)
        announce()
        _step(progress, images, training.labels[indices], settings, rates[step])
    count = sum(map(len, batches))
    return Score(
        loss=torch.stack(progress.losses).sum().item() / count,
        accuracy=torch.stack(progress.hits).sum().item() / count,
    )


def _step(progress: Progress, images: Tensor, labels: Tensor, settings: TrainingSettings, rate: float) -> None:
    for group in progress.optimizer.param_groups:
        group["lr"] = rate
    logits = progress.network(images)
    loss = cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)
    progress.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    if settings.gradient_clip > 0:
        clip_grad_norm_(progress.network.parameters(), settings.gradient_clip)
    progress.optimizer.step()
    progress.losses.append(loss.detach() * len(labels))
    progress.hits.append((logits.detach().argmax(1) == labels).sum())


def _turn_over(progress: Progress) -> None:
    progress.epoch += 1
    progress.losses, progress.hits = [], []
    progress.shuffled_from = progress.order.get_state()


def _validate(network: nn.Module, splits: Splits, settings: TrainingSettings, fitted: Score) -> Score:
    if not math.isfinite(fitted.loss):
        return DIVERGED
    score = evaluate(network, splits.validation, splits.normalisation, settings.batch_size)
    return score if math.isfinite(score.loss) else DIVERGED
