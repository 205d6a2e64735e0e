"""Where a training stands between two steps: all that decides how it continues, and what it has measured so far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn

from nago_trainer.contract.learning_rate import images_at_once
from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import TrainingSettings
from nago_trainer.training.averaging import Values, WeightAverage, set_values
from nago_trainer.training.optimiser import make_optimiser
from nago_trainer.training.seeds import Seeds


@dataclass(slots=True, kw_only=True)
class TrainingState:
    batch_size: int
    """Images that fit into the device's memory at once."""
    network: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    """Of the loss, so that fp16 gradients do not vanish; does nothing in other precisions."""
    order: Tensor
    """State of the generator that shuffles the images, at the start of this epoch."""
    augmentation: Generator
    average: WeightAverage | None = None
    """Of the weights, where it is evaluated and kept."""
    best: Values | None = None
    """The weights of the best epoch so far, where that is the one to keep."""
    losses: list[Tensor] = field(default_factory=list)
    """Summed over the images of each batch of this epoch so far."""
    hits: list[Tensor] = field(default_factory=list)
    """Correctly classified images of each batch."""
    records: list[EpochRecord] = field(default_factory=list)
    """Of the epochs that are complete."""
    inherited: int = 0
    """How many of them were trained by the trials from which this one goes on."""
    earlier_seconds: float = 0.0
    """Spent by the attempts before, up to the checkpoint."""
    first_step_at: float | None = None
    """`time.monotonic()` when the first batch of this attempt was ready to enter the network."""

    @property
    def epoch(self) -> int:
        """The one that is being trained, or comes next; from 1."""
        return len(self.records) + 1

    def end_epoch(self, record: EpochRecord, order: Tensor) -> None:
        self.records.append(record)
        self.losses, self.hits, self.order = [], [], order

    @contextmanager
    def evaluated_network(self) -> Iterator[nn.Module]:
        """The network as it is measured and kept: with the average of its weights inside, if there is one."""
        if self.average is None:
            yield self.network
            return
        with self.average.in_place_of(self.network):
            yield self.network

    def finish(self) -> None:
        """The network becomes the one that is kept."""
        if self.best is not None:
            set_values(self.network, self.best)
        elif self.average is not None:
            self.average.copy_to(self.network)


class TrainingInterruptedError(Exception):
    """Raised between two steps, because the process was asked to end."""

    def __init__(self, state: TrainingState) -> None:
        super().__init__("the training was interrupted")
        self.state = state


def initial_state(network: nn.Module, settings: TrainingSettings, seeds: Seeds) -> TrainingState:
    return TrainingState(
        batch_size=images_at_once(settings),
        network=network,
        optimizer=make_optimiser(network, settings),
        scaler=torch.amp.GradScaler(next(network.parameters()).device.type, enabled=settings.precision == "fp16"),
        order=Generator().manual_seed(seeds.order).get_state(),
        augmentation=Generator().manual_seed(seeds.augmentation),
        average=WeightAverage(network, settings.ema_decay) if settings.ema_decay else None,
    )
