"""How fast images are loaded beside the network that trains on them: from memory, a prepared store and files.

`python -m benchmarks.data`. Images of 32x32 as in CIFAR, in batches of 96, cropped, flipped, normalised and cut out;
one thread for torch. CPU time of the whole process, reading threads included, so that other processes on the machine
count little; a figure is the median of its rounds. Then the start of a second trial on 20,000 prepared images of
224x224, in seconds of the clock: black ones, whose file takes no room. About 1 minute of CPU time; ends with 1 if a
goal is not met.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Generator
from torch.nn.functional import cross_entropy

from benchmarks.figure import Goal, show
from benchmarks.trainer import GRAPHS, IMAGE, THETAS, our_network
from nago_trainer.contract.task import IMAGE_RULES, TrainingSettings
from nago_trainer.data.images import ImageSet, Pixels
from nago_trainer.data.picture import read_picture
from nago_trainer.data.splits import Splits, make_splits
from nago_trainer.data.store.counts import kept_counts
from nago_trainer.data.store.draft import DraftPixels, commit, drafted
from nago_trainer.data.store.opened import open_store
from nago_trainer.data.streaming import in_turn
from nago_trainer.training.batches import prepared_batch, shuffled_batches

CLASSES = 10
IMAGES = 9_600
FILES = 960
ROUNDS = 5
BATCH = 96
SMALL, PAPER = 100_000, 4_000_000
LARGE = (20_000, 3, 224, 224)
RECIPE = TrainingSettings(
    batch_size=BATCH,
    learning_rate=0.025,
    momentum=0.9,
    weight_decay=3e-4,
    gradient_clip=5.0,
    label_smoothing=0.0,
    dropout=0.0,
    crop_padding=4,
    horizontal_flip=True,
    cutout=16,
)


def main() -> int:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored = _prepared(folder / "small", _random_pixels())
        whole = replace(stored, pixels=_random_pixels(), store=None)
        loaded = {
            "memory": _rate(lambda: _load(_splits(whole)), IMAGES),
            "prepared store": _rate(lambda: _load(_splits(stored)), IMAGES),
            "PNG files, decoded each time": _rate(_decoding(folder / "files"), FILES),
        }
        ready = _seconds_until_ready(folder)
    for source, rates in loaded.items():
        show("data", f"{source} {_spread(rates)}", statistics.median(rates), "images a CPU second")
    met = [show("data", "second trial on 20,000 images of 224x224 ready", ready, "s", Goal(2))]
    for parameters in (SMALL, PAPER):
        eaten = _rate(_training(parameters), BATCH)
        network = f"network of {parameters:,} parameters"
        show("data", f"{network} {_spread(eaten)}", statistics.median(eaten), "images a CPU second")
        for source in ("memory", "prepared store"):
            times = statistics.median(loaded[source]) / statistics.median(eaten)
            met.append(show("data", f"{source}, {network}", times, "times", Goal(3, at_least=True)))
    return 0 if all(met) else 1


def _rate(work: Callable[[], None], images: int) -> list[float]:
    """Of each round, after one that warms up."""
    work()
    return [images / _cpu_seconds(work) for _ in range(ROUNDS)]


def _cpu_seconds(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _spread(rates: list[float]) -> str:
    return f"({min(rates):,.0f} to {max(rates):,.0f})"


def _random_pixels() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (IMAGES, 3, IMAGE.size, IMAGE.size), dtype=np.uint8)


def _prepared(folder: Path, images: Pixels) -> ImageSet:
    with drafted(folder) as draft:
        rows = DraftPixels(draft, images.shape)
        for number, image in enumerate(images):
            rows.put(number, image)
        return _committed(rows, folder)


def _committed(rows: DraftPixels, folder: Path) -> ImageSet:
    names = tuple(map(str, range(CLASSES)))
    commit(ImageSet(pixels=rows.in_memory, labels=np.arange(rows.shape[0]) % CLASSES, class_names=names), rows, folder)
    return _opened(folder)


def _opened(folder: Path) -> ImageSet:
    found = open_store(folder)
    if found is None or found.store is None:
        raise RuntimeError("the store that was just written cannot be opened")
    return replace(found, counts=kept_counts(folder, found.store, np.arange(len(found.labels) // 2)))


def _splits(images: ImageSet) -> Splits:
    return make_splits(images, fraction=0.01, seed=0, device=torch.device("cpu"))


def _load(splits: Splits) -> None:
    """An epoch's batches, as the network would get them."""
    batches = shuffled_batches(splits.training.labels, BATCH, Generator().manual_seed(0))
    draws = Generator().manual_seed(1)
    with closing(in_turn(splits.training, batches)) as images:
        for chosen, pixels in zip(batches, images, strict=True):
            prepared_batch(splits, chosen, pixels, RECIPE, draws)


def _decoding(folder: Path) -> Callable[[], None]:
    folder.mkdir()
    files = [folder / f"{number}.png" for number in range(FILES)]
    for file, pixels in zip(files, _random_pixels(), strict=False):
        Image.fromarray(pixels.transpose(1, 2, 0)).save(file)

    def decode() -> None:
        for file in files:
            read_picture(file, IMAGE.size, 3, IMAGE_RULES)

    return decode


def _training(parameters: int) -> Callable[[], None]:
    """A step of a network of that many parameters at most."""
    graphs = dict(zip(GRAPHS, THETAS["CIFAR10 by MOBO"], strict=True))
    network = our_network(graphs, limit=parameters).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, fused=True)
    images, labels = torch.randn(BATCH, 3, IMAGE.size, IMAGE.size), torch.arange(BATCH) % CLASSES

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        optimizer.step()

    return step


def _seconds_until_ready(folder: Path) -> float:
    """Until the splits of a trial are there, from its task on."""
    with drafted(folder / "large") as draft:
        rows = DraftPixels(draft, LARGE)
        rows.checksums[:] = zlib.crc32(bytes(int(np.prod(LARGE[1:]))))
        _committed(rows, folder / "large")
    started = time.monotonic()
    _splits(_opened(folder / "large"))
    return time.monotonic() - started


if __name__ == "__main__":
    raise SystemExit(main())
