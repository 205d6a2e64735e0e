"""What an attempt gives to its training, beside the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nago_trainer.contract.task import DatasetSettings
from nago_trainer.data.images import ImageSet
from nago_trainer.training.checkpoint_policy import CheckpointPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptContext:
    folder: Path
    """Where the network is saved."""
    read_images: Callable[[DatasetSettings], ImageSet]
    started: float
    """`time.monotonic()` at the attempt's start."""
    checkpoints: CheckpointPolicy | None = None
    saves_networks: bool = True
    """Whether there is a place for a network that is to be kept."""
