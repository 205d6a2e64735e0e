"""Loss and accuracy of a network on labelled images, after each epoch."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from nago_trainer.data.splits import Examples, Normalisation
from nago_trainer.data.streaming import in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    loss: float
    """Cross-entropy in nats, mean over the images, without label smoothing."""
    accuracy: float
    """Share in [0, 1] of images whose highest logit is that of their class."""


def evaluate(network: nn.Module, examples: Examples, normalisation: Normalisation, batch_size: int) -> Score:
    """In evaluation mode, in which the network is left; the images in their order."""
    network.eval()
    count = len(examples.labels)
    loss = torch.zeros((), dtype=torch.float64, device=examples.labels.device)
    correct = torch.zeros((), dtype=torch.int64, device=examples.labels.device)
    with torch.inference_mode(), closing(in_order(examples, batch_size)) as batches:
        for labels, pixels in batches:
            logits = network(normalisation.apply(pixels))
            loss += cross_entropy(logits, labels, reduction="sum")
            correct += (logits.argmax(1) == labels).sum()
    return Score(loss=loss.item() / count, accuracy=correct.item() / count)
