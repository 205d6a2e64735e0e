"""How well bytes per sample, computed from the plan, agree with PyTorch's own accounting of a training step.

`python -m benchmarks.memory` prints one JSON line per figure and ends with 1 if a goal is not met. Needs no GPU, and
about 5 minutes on 2 cores: the accounting follows every operation of 112 training steps in Python.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
from collections.abc import Iterator, ValuesView
from typing import Any

import numpy as np

from benchmarks.figure import Goal, show
from benchmarks.plan import CLASSES, IMAGE, PARAMETER_LIMIT
from nago_orchestrator.spec.space_section import SpaceSection
from nago_trainer.architecture import HnagTheta, Plan, fit_plan, sample_architecture
from nago_trainer.architecture.plan.memory import bytes_per_sample
from nago_trainer.architecture.theta import MERGES, OPERATIONS, Number

DRAWS = 100
MIXED_DRAWS = 12
BATCH = 2**20
"""Fake tensors cost nothing. What does not grow with the batch is at most three copies of the parameters: 48 bytes
per sample of so large a batch, a few millionths of the whole. So one step shows the slope."""
SPACE = SpaceSection().search_space()
"""The paper's: eight searched hyperparameters."""


def main() -> int:
    rng = np.random.default_rng(0)
    paper = [(SPACE.sample(rng), seed) for seed in range(DRAWS)]
    mixed = [(mixed_theta(rng), seed) for seed in range(DRAWS, DRAWS + MIXED_DRAWS)]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        errors = list(_with_progress(pool.imap(relative_error, [*paper, *mixed]), DRAWS + MIXED_DRAWS))
    figures = {
        f"largest error, {DRAWS} draws of the paper's ranges": max(errors[:DRAWS]),
        f"median error, {DRAWS} draws of the paper's ranges": statistics.median(errors[:DRAWS]),
        f"largest error, {MIXED_DRAWS} draws of all operations and merges": max(errors[DRAWS:]),
    }
    met = [show("memory", figure, 100 * error, "%", Goal(3)) for figure, error in figures.items()]
    return 0 if all(met) else 1


def mixed_theta(rng: np.random.Generator) -> dict[str, Number]:
    """Uniform over the paper's ranges, every operation and merge by a random weight."""
    names = [f"operation_{name}" for name in OPERATIONS] + [f"merge_{name}" for name in MERGES]
    return {**SPACE.sample(rng), **{name: float(rng.uniform()) for name in names}}


def relative_error(draw: tuple[dict[str, Number], int]) -> float:
    theta, seed = draw
    architecture = sample_architecture(HnagTheta.from_mapping(theta), seed)
    _, plan = fit_plan(architecture, IMAGE, CLASSES, PARAMETER_LIMIT)
    tracked = tracked_peak(plan, BATCH) / BATCH
    return abs(bytes_per_sample(plan) - tracked) / tracked


def tracked_peak(plan: Plan, batch: int) -> int:
    """Most bytes during one training step, by PyTorch's memory tracker over fake tensors: all that is on the device."""
    # torch is loaded here, and so only by the workers.
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed._tools.mem_tracker import MemTracker

    from nago_trainer.network.network import PlannedNetwork

    torch.set_num_threads(1)
    with FakeTensorMode():
        network = PlannedNetwork(plan, 0.0)
        images = torch.empty(batch, plan.image.channels, plan.image.size, plan.image.size)
        labels = torch.empty(batch, dtype=torch.int64)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
        tracker = MemTracker()
        tracker.memory_tracking = _without_module_peaks()
        tracker.track_external(network, optimizer, images, labels)
        with tracker:
            logits = network(images)  # kept, as a training loop that counts hits keeps them
            torch.nn.functional.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]  # of torch
            optimizer.step()
    total: int = tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"]
    return total


def _without_module_peaks() -> Any:
    """The tracker's statistics by module, but unseen when it looks for peaks after each operation.

    That search is quadratic in the number of layers, an hour for all draws; the total's peak does not come from it.
    """
    from torch.utils.weak import WeakIdKeyDictionary

    class Unseen(WeakIdKeyDictionary):
        def values(self) -> ValuesView[Any]:
            return {}.values()

    return Unseen()


def _with_progress(errors: Iterator[float], count: int) -> Iterator[float]:
    for number, error in enumerate(errors, start=1):
        print(f"\rmemory: {number} of {count} networks compared", end="", file=sys.stderr, flush=True)
        yield error
    print(file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
