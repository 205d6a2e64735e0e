"""How well bytes per sample, computed from the plan, agree with PyTorch's own accounting of a training step.

`python -m benchmarks.memory` prints one JSON line per figure and ends with 1 if a goal is not met. Needs no GPU, and
about 5 minutes on 2 cores: the accounting follows every operation of 120 training steps in Python.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
from collections.abc import Iterator, ValuesView
from typing import Any

import numpy as np

from benchmarks.plan import CLASSES, IMAGE, PARAMETER_LIMIT, paper_theta
from nago_trainer.architecture import HnagTheta, Plan, fit_plan, sample_architecture
from nago_trainer.architecture.memory import bytes_per_sample
from nago_trainer.architecture.theta import MERGES, OPERATIONS, Number

DRAWS = 100
MIXED_DRAWS = 20
BATCH = 2**20
"""Fake tensors cost nothing. What does not grow with the batch is at most three copies of the parameters: 48 bytes
per sample of so large a batch, a few millionths of the whole. So one step shows the slope."""
GOAL_PERCENT = 3.0


def main() -> int:
    rng = np.random.default_rng(0)
    paper = [(paper_theta(rng), seed) for seed in range(DRAWS)]
    mixed = [(mixed_theta(rng), seed) for seed in range(DRAWS, DRAWS + MIXED_DRAWS)]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        errors = list(_with_progress(pool.imap(relative_error, [*paper, *mixed]), DRAWS + MIXED_DRAWS))
    figures = {
        "largest_error_paper_ranges": max(errors[:DRAWS]),
        "median_error_paper_ranges": statistics.median(errors[:DRAWS]),
        "largest_error_all_operations_and_merges": max(errors[DRAWS:]),
    }
    return 0 if all([report(figure, 100 * error) for figure, error in figures.items()]) else 1


def mixed_theta(rng: np.random.Generator) -> dict[str, Number]:
    """Uniform over the paper's ranges, every operation and merge by a random weight."""
    names = [f"operation_{name}" for name in OPERATIONS] + [f"merge_{name}" for name in MERGES]
    return {**paper_theta(rng), **{name: float(rng.uniform()) for name in names}}


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

    from nago_trainer.network import build_network

    torch.set_num_threads(1)
    with FakeTensorMode():
        network = build_network(plan)
        images = torch.empty(batch, plan.image.channels, plan.image.size, plan.image.size)
        labels = torch.empty(batch, dtype=torch.int64)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
        tracker = MemTracker()
        tracker.memory_tracking = _without_module_peaks()
        tracker.track_external(network, optimizer, images, labels)
        with tracker:
            torch.nn.functional.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]  # of torch
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


def report(figure: str, percent: float) -> bool:
    met = percent <= GOAL_PERCENT
    line = {
        "benchmark": "memory",
        "figure": figure,
        "value": round(percent, 4),
        "unit": "%",
        "goal": f"<= {GOAL_PERCENT:g} %",
        "met": met,
    }
    print(json.dumps(line), flush=True)
    return met


if __name__ == "__main__":
    raise SystemExit(main())
