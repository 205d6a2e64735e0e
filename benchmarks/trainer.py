"""A training step of ours beside one of the authors' own network: images a second, operations, bytes kept for backward.

`python -m benchmarks.trainer PATH`, where PATH leads to the package noah-vega (`benchmarks/official.py` says how to get
it); `--pairs 3` is quicker than the 5 of the table. Same θ, parameter limit, batch and step (forward, cross-entropy,
backward, clipping, SGD), one thread, in turns; a figure is the median of the pairs' ratios, and theirs always runs as
it is: fp32, in torch's usual layout. Times are CPU time of the one thread, so that other processes on the machine count
little. The authors' network exceeds its limit and has other graphs: the floating-point operations of both are printed.
Needs about 6 minutes of CPU time, and ends with 1 if a goal is not met.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.figure import Goal, show
from benchmarks.kept_memory import kept_bytes
from benchmarks.official import OfficialCodeMissingError, official_network
from nago_trainer.architecture import HYPERPARAMETERS, HnagTheta, TensorShape, fit_plan, sample_architecture
from nago_trainer.architecture.theta import Number
from nago_trainer.network.arithmetic import Arithmetic
from nago_trainer.network.network import USUAL, build_network

BATCH = 32
CLASSES = 10
IMAGE = TensorShape(3, 32)
LIMIT = 4_000_000
GRAPHS = ("top_nodes", "top_k", "top_p", "mid_nodes", "mid_p", "bottom_nodes", "bottom_k", "bottom_p")
THETAS: dict[str, tuple[Number, ...]] = {
    "CIFAR10 by BOHB": (8, 5, 0.6, 1, 0.7, 5, 4, 0.2),
    "CIFAR10 by MOBO": (6, 4, 0.8, 1, 0.1, 3, 2, 0.5),
    "IMAGENET by BOHB": (4, 2, 0.5, 5, 0.6, 6, 4, 0.4),
    "large": (10, 4, 0.5, 5, 0.6, 10, 4, 0.5),
}
"""The paper's Table 3, its ImageNet row at 32×32; and a large one."""
BF16_FLAGS = ("avx512_bf16", "amx_bf16")


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to train a network."""

    name: str
    network: nn.Module


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    print(f"bf16 instructions of this CPU: {', '.join(_bf16_flags()) or 'none'}", file=sys.stderr)
    try:
        compared = [_compare(name, options.path, options.pairs) for name in THETAS]
    except OfficialCodeMissingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0 if all(_summary(compared)) else 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer")
    parser.add_argument("path", type=Path, help="folder or wheel of noah-vega")
    parser.add_argument("--pairs", type=int, default=5)
    return parser.parse_args(arguments)


def _bf16_flags() -> list[str]:
    known = Path("/proc/cpuinfo")
    found = known.read_text(encoding="utf-8").split() if known.exists() else []
    return [flag for flag in BF16_FLAGS if flag in found]


def _compare(name: str, package: Path, pairs: int) -> dict[str, float]:
    """Ours by theirs, of each figure."""
    graphs = dict(zip(GRAPHS, THETAS[name], strict=True))
    official = Variant("official", official_network(package, graphs, image_size=32, classes=CLASSES, limit=LIMIT))
    ours = Variant("fp32", our_network(graphs))
    variants = [
        ours,
        Variant("recompute", our_network(graphs, Arithmetic(recompute=True))),
        Variant("channels-last", our_network(graphs, Arithmetic(channels_last=True))),
        Variant("channels-last, recompute", our_network(graphs, Arithmetic(channels_last=True, recompute=True))),
        Variant(
            "channels-last, bf16",
            our_network(graphs, Arithmetic(channels_last=True, precision="bf16")),
        ),
    ]
    for variant in (official, ours):
        show(
            "trainer", f"{name}, {variant.name}: operations on numbers", flops(variant.network) / 1e9, "GFLOP an image"
        )
        show("trainer", f"{name}, {variant.name}: parameters", sum(p.numel() for p in variant.network.parameters()), "")
    ratios = _speeds(name, official, variants, pairs)
    ratios["slower by recompute"] = 100 * (ratios["channels-last"] / ratios["channels-last, recompute"] - 1)
    ratios["operations"] = count_operations(ours.network) / count_operations(official.network)
    images = _batch()[0]
    kept = kept_bytes(official.network, images) / BATCH
    show("trainer", f"{name}, official: kept for the backward pass", kept / 1e6, "MB an image")
    ratios["kept"] = kept_bytes(ours.network, images) / BATCH / kept
    ratios["kept with recompute"] = kept_bytes(variants[1].network, images) / BATCH / kept
    for figure in ("operations", "kept", "kept with recompute"):
        show("trainer", f"{name}: {figure}", ratios[figure], "of the official")
    return ratios


def our_network(graphs: Mapping[str, Number], arithmetic: Arithmetic = USUAL, *, limit: int = LIMIT) -> nn.Module:
    fixed = {item.name: item.default for item in HYPERPARAMETERS if not isinstance(item.default, tuple)}
    architecture = sample_architecture(HnagTheta.from_mapping({**fixed, **graphs}), 0)
    return build_network(fit_plan(architecture, IMAGE, CLASSES, limit)[1], arithmetic=arithmetic)


def _speeds(name: str, official: Variant, variants: Sequence[Variant], pairs: int) -> dict[str, float]:
    """Medians over the pairs of (seconds of theirs / seconds of ours)."""
    steps = {each.name: _stepper(each) for each in (official, *variants)}
    for step in steps.values():
        step()
    found: dict[str, list[float]] = {each.name: [] for each in variants}
    theirs: list[float] = []
    for _ in range(pairs):
        theirs.append(_seconds(steps[official.name]))
        for variant in variants:
            found[variant.name].append(theirs[-1] / _seconds(steps[variant.name]))
    show("trainer", f"{name}, official", BATCH / statistics.median(theirs), "images a CPU second")
    for ours, ratios in found.items():
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        show("trainer", f"{name}, {ours} ({spread})", statistics.median(ratios), "times the official")
    return {ours: statistics.median(ratios) for ours, ratios in found.items()}


def _seconds(step: Callable[[], None]) -> float:
    started = time.process_time()
    step()
    return time.process_time() - started


def _stepper(variant: Variant) -> Callable[[], None]:
    network = variant.network.train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=3e-4, fused=True)
    images, labels = _batch()

    def step() -> None:
        loss = cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()

    return step


def _batch(size: int = BATCH) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(0)
    images = torch.randn(size, IMAGE.channels, IMAGE.size, IMAGE.size, generator=draws)
    return images, torch.arange(size) % CLASSES


def flops(network: nn.Module) -> int:
    """Of one image's forward pass."""
    counter = FlopCounterMode(display=False)
    network.eval()
    with counter, torch.no_grad():
        network(_batch(1)[0])
    network.train()
    return int(counter.get_total_flops())


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # of torch
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # of torch
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operations += 1
        return func(*args, **(kwargs or {}))


def count_operations(network: nn.Module) -> int:
    """torch's, of forward and backward."""
    images, labels = _batch(2)
    with _Counter() as counter:
        cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    operations: int = counter.operations
    return operations


def _summary(compared: Sequence[Mapping[str, float]]) -> Iterator[bool]:
    """The goals are for the median of the thetas."""
    goals = {
        "fp32": ("times the official", None),
        "channels-last": ("times the official", Goal(1.35, at_least=True)),
        "channels-last, bf16": ("times the official", Goal(2.1, at_least=True) if _bf16_flags() else None),
        "operations": ("of the official", None),
        "kept": ("of the official", Goal(0.92)),
        "kept with recompute": ("of the official", Goal(0.45)),
        "slower by recompute": ("%", Goal(15)),
    }
    for figure, (unit, goal) in goals.items():
        yield show(
            "trainer", f"median of the thetas: {figure}", statistics.median(c[figure] for c in compared), unit, goal
        )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
