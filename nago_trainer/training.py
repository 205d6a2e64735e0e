"""Trains a network: SGD with momentum and a cosine schedule, a record for each epoch. Called by `trial`.

Nothing is printed or written, and no random number comes from a global generator, save the network's own dropout.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from nago_trainer.contract import EpochRecord, TrainingSettings
from nago_trainer.data.augmentation import cutout, random_crop, random_flip
from nago_trainer.data.splits import Examples, Normalisation, Splits
from nago_trainer.evaluation import Score, evaluate
from nago_trainer.schedule import cosine_learning_rate
from nago_trainer.seeds import Seeds

DIVERGED = Score(loss=math.inf, accuracy=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How one network is to be trained."""

    settings: TrainingSettings
    epochs: int
    seeds: Seeds
    on_first_step: Callable[[], None]
    """Called once, when the first batch is ready to enter the network."""


def train(network: nn.Module, splits: Splits, course: Course) -> Iterator[EpochRecord]:
    """Yields a record after each epoch; ends early after one whose loss is NaN or infinite (`has_diverged`)."""
    settings = course.settings
    optimizer = make_optimizer(network, settings)
    order = Generator().manual_seed(course.seeds.order)
    augmentation = Generator().manual_seed(course.seeds.augmentation)
    steps = len(batch_sizes(len(splits.training.labels), settings.batch_size))
    for epoch in range(1, course.epochs + 1):
        started = time.monotonic()
        batches = _batches(splits.training, settings.batch_size, order)
        prepared: Iterator[tuple[Tensor, Tensor]] = (
            (_prepare(pixels, splits.normalisation, settings, augmentation), y) for pixels, y in batches
        )
        if epoch == 1:
            prepared = _announced(prepared, course.on_first_step)
        rates = [
            cosine_learning_rate(settings.learning_rate, (epoch - 1) * steps + step, course.epochs * steps)
            for step in range(steps + 1)
        ]
        fitted = _train_epoch(network, optimizer, prepared, rates, settings)
        score = _validate(network, splits, settings, fitted)
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


def _batches(examples: Examples, batch_size: int, order: Generator) -> Iterator[tuple[Tensor, Tensor]]:
    count = len(examples.labels)
    shuffled = torch.randperm(count, generator=order).to(examples.labels.device)
    sizes = batch_sizes(count, batch_size)
    for indices in torch.split(shuffled[: sum(sizes)], batch_size):
        yield examples.pixels[indices], examples.labels[indices]


def _prepare(pixels: Tensor, normalisation: Normalisation, settings: TrainingSettings, draws: Generator) -> Tensor:
    """Crop and flip bytes, so that what is padded is black; cut out of normalised pixels, so that it is average."""
    moved = random_crop(pixels, settings.crop_padding, draws)
    moved = random_flip(moved, draws) if settings.horizontal_flip else moved
    return cutout(normalisation.apply(moved), settings.cutout, draws)


def _announced(
    batches: Iterator[tuple[Tensor, Tensor]], announce: Callable[[], None]
) -> Iterator[tuple[Tensor, Tensor]]:
    first = next(batches)
    announce()
    yield first
    yield from batches


def _train_epoch(
    network: nn.Module,
    optimizer: torch.optim.SGD,
    batches: Iterator[tuple[Tensor, Tensor]],
    rates: list[float],
    settings: TrainingSettings,
) -> Score:
    """One step for each batch, at its learning rate. The loss is the smoothed one, as it is minimised."""
    network.train()
    losses, hits, count = [], [], 0
    for rate, (images, labels) in zip(rates, batches, strict=False):  # rates also has that of the epoch's end
        for group in optimizer.param_groups:
            group["lr"] = rate
        logits = network(images)
        loss = cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        if settings.gradient_clip > 0:
            clip_grad_norm_(network.parameters(), settings.gradient_clip)
        optimizer.step()
        losses.append(loss.detach() * len(labels))
        hits.append((logits.detach().argmax(1) == labels).sum())
        count += len(labels)
    return Score(loss=torch.stack(losses).sum().item() / count, accuracy=torch.stack(hits).sum().item() / count)


def _validate(network: nn.Module, splits: Splits, settings: TrainingSettings, fitted: Score) -> Score:
    if not math.isfinite(fitted.loss):
        return DIVERGED
    score = evaluate(network, splits.validation, splits.normalisation, settings.batch_size)
    return score if math.isfinite(score.loss) else DIVERGED
