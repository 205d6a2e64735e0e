"""Trains an epoch from a store of 200 MB with room in memory for less than half of it; prints both."""

from __future__ import annotations

import resource
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

from nago_trainer.contract.task import TrainingSettings
from nago_trainer.data.images import ImageSet
from nago_trainer.data.pixel_counts import count_values
from nago_trainer.data.splits import make_splits
from nago_trainer.data.store.draft import DraftPixels, commit, drafted
from nago_trainer.data.store.opened import open_store
from nago_trainer.training.loop import train_epoch
from nago_trainer.training.seeds import derive_seeds
from nago_trainer.training.state import initial_state

SHAPE = (16_000, 3, 64, 64)
ROOM = 90 * 10**6
RECIPE = TrainingSettings(
    batch_size=32,
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=0.0,
    gradient_clip=0.0,
    label_smoothing=0.0,
    dropout=0.0,
    crop_padding=0,
    horizontal_flip=False,
    cutout=0,
)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    splits = make_splits(_black_images(folder / "store"), fraction=0.2, seed=0, device=torch.device("cpu"))
    torch.optim.SGD([torch.zeros(1)])  # loads what torch loads with its first optimizer
    network = nn.Sequential(nn.AvgPool2d(64), nn.Flatten(), nn.Linear(3, 2))
    state = initial_state(network, RECIPE, derive_seeds(0))
    _leave_room(ROOM)
    record = train_epoch(state, splits, RECIPE, epochs=1)
    assert record.training_loss > 0
    sys.stdout.write(f"{int(np.prod(SHAPE))} {ROOM}\n")


def _black_images(store: Path) -> ImageSet:
    """Of a file without a byte that was written."""
    with drafted(store) as draft:
        pixels = DraftPixels(draft, SHAPE)
        pixels.checksums[:] = zlib.crc32(bytes(int(np.prod(SHAPE[1:]))))
        labels = np.arange(SHAPE[0]) % 2
        commit(ImageSet(pixels=pixels.in_memory, labels=labels, class_names=("a", "b")), pixels, store)
    found = open_store(store)
    assert found is not None
    assert found.store is not None
    assert count_values(found.store, np.arange(3)).sum() == np.prod(SHAPE[1:]) * 3
    return found


def _leave_room(size: int) -> None:
    """For what is not shared with a file, and not merely reserved."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    limit = pages * resource.getpagesize() + size
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
