"""The optimiser of a recipe."""

from __future__ import annotations

import torch
from torch import nn

from nago_trainer.contract.task import ADAMW, TrainingSettings


def make_optimiser(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Weight decay on everything learnt. The update runs as one operation, which small networks notice."""
    if settings.optimizer == ADAMW:
        return torch.optim.AdamW(
            network.parameters(),
            lr=settings.learning_rate,
            betas=(settings.momentum, 0.999),
            weight_decay=settings.weight_decay,
            fused=True,
        )
    return torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        fused=True,
    )
