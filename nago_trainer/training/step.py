"""One step of a training: forward, backward, clip, update."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from nago_trainer.contract.task import TrainingSettings
from nago_trainer.training.batches import Batch
from nago_trainer.training.state import TrainingState


def training_step(
    state: TrainingState, batch: Batch, settings: TrainingSettings, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The loss, summed over the images, and how many were classified correctly. `weights`: of the classes."""
    state.optimizer.zero_grad()
    parts = _parts(batch, settings.micro_batch_size)
    done = [_backward(state, part, len(batch.labels), settings, weights) for part in parts]
    _update(state, settings.gradient_clip)
    if len(done) == 1:
        return done[0]
    losses, hits = zip(*done, strict=True)
    return torch.stack(losses).sum(), torch.stack(hits).sum()


def _backward(
    state: TrainingState, part: Batch, batch_size: int, settings: TrainingSettings, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    logits = state.network(part.images)  # [P, K]
    loss = _loss(logits, part.targets, settings.label_smoothing, weights)  # []
    count = len(part.labels)
    share = loss if count == batch_size else loss * (count / batch_size)
    state.scaler.scale(share).backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    return loss.detach() * count, (logits.detach().argmax(1) == part.labels).sum()


def _update(state: TrainingState, clip: float) -> None:
    """In fp16 not where a gradient has overflowed: the scale of the next losses is lower."""
    if clip > 0:
        state.scaler.unscale_(state.optimizer)
        clip_grad_norm_(state.network.parameters(), clip)
    state.scaler.step(state.optimizer)
    state.scaler.update()


def _loss(logits: Tensor, targets: Tensor, smoothing: float, weights: Tensor | None) -> Tensor:
    """The mean over the images; weighted classes keep their weight in a batch that lacks others."""
    if weights is None:
        return cross_entropy(logits, targets, label_smoothing=smoothing)
    return cross_entropy(logits, targets, weight=weights, label_smoothing=smoothing, reduction="none").mean()


def _parts(batch: Batch, size: int) -> list[Batch]:
    """Nearly equal ones of about `size` images (0: all at once), of two at least.

    Batch normalisation of feature maps of one pixel cannot train on one image alone.
    """
    count = len(batch.labels)
    parts = min(-(-count // size), max(1, count // 2)) if 0 < size < count else 1
    if parts == 1:
        return [batch]
    split = (torch.tensor_split(values, parts) for values in (batch.images, batch.targets, batch.labels))
    return [Batch(images=each[0], targets=each[1], labels=each[2]) for each in zip(*split, strict=True)]
