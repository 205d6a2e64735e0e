"""How long theta -> architecture -> width -> plan takes, and how well the width uses the parameter limit.

`python -m benchmarks.plan` prints one JSON line per figure and ends with 1 if a goal is not met. Needs about 20 s.
Times are CPU time: all of this is one thread without input or output, so it is what a user waits for on an idle core,
and other processes on the machine do not count.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

import numpy as np

from benchmarks.figure import Goal, show
from nago_orchestrator.spec.space_section import SpaceSection
from nago_trainer.architecture import (
    HYPERPARAMETERS,
    HnagTheta,
    TensorShape,
    count_parameters,
    fit_plan,
    sample_architecture,
)
from nago_trainer.architecture.theta import Number

DRAWS = 1_000
LARGE_DRAWS = 9
PARAMETER_LIMIT = 4_000_000
IMAGE, CLASSES = TensorShape(3, 32), 10


def main() -> int:
    rng, space = np.random.default_rng(0), SpaceSection().search_space()
    seconds, totals = zip(*(timed_fit(space.sample(rng), seed) for seed in range(DRAWS)), strict=True)
    large = [timed_fit(largest_theta(), seed)[0] for seed in range(LARGE_DRAWS)]
    milliseconds = 1000 * statistics.median(seconds)
    share = 100 * statistics.median(totals) / PARAMETER_LIMIT
    met = [
        show("plan", "sampling, planning and width, median", milliseconds, "ms", Goal(20)),
        show("plan", "the same for 1,000 nodes, slowest", max(large), "s", Goal(0.5)),
        show("plan", f"largest of {DRAWS:,} parameter totals", max(totals), "parameters", Goal(PARAMETER_LIMIT)),
        show("plan", "median share of the parameter limit", share, "%", Goal(98, at_least=True)),
    ]
    return 0 if all(met) else 1


def timed_fit(theta: Mapping[str, Number], seed: int) -> tuple[float, int]:
    """CPU seconds for all of it, and the plan's parameter total."""
    started = time.process_time()
    architecture = sample_architecture(HnagTheta.from_mapping(theta), seed)
    _, plan = fit_plan(architecture, IMAGE, CLASSES, PARAMETER_LIMIT)
    return time.process_time() - started, count_parameters(plan)


def largest_theta() -> dict[str, Number]:
    """10 × 10 × 10 nodes, complete mid graphs, rings of degree 8: denser than the paper's ranges allow."""
    fixed = {item.name: item.default for item in HYPERPARAMETERS if not isinstance(item.default, tuple)}
    graphs: dict[str, Number] = {f"{level}_nodes": 10 for level in ("top", "mid", "bottom")}
    return {**fixed, **graphs, "top_k": 9, "top_p": 0.5, "mid_p": 1.0, "bottom_k": 9, "bottom_p": 0.5}


if __name__ == "__main__":
    raise SystemExit(main())
