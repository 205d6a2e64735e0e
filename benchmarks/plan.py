"""How long theta -> architecture -> width -> plan takes, and how well the width uses the parameter limit.

`python -m benchmarks.plan` prints one JSON line per figure and ends with 1 if a goal is not met. Needs about 20 s.
Times are CPU time: all of this is one thread without input or output, so it is what a user waits for on an idle core,
and other processes on the machine do not count.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping

import numpy as np

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
    rng = np.random.default_rng(0)
    seconds, totals = zip(*(timed_fit(paper_theta(rng), seed) for seed in range(DRAWS)), strict=True)
    large = [timed_fit(largest_theta(), seed)[0] for seed in range(LARGE_DRAWS)]
    milliseconds = 1000 * statistics.median(seconds)
    share = 100 * statistics.median(totals) / PARAMETER_LIMIT
    met = [
        report("sample_plan_width_median", round(milliseconds, 2), "ms", "<= 20 ms", milliseconds <= 20),
        report("sample_plan_width_1000_nodes", round(max(large), 3), "s", "<= 0.5 s", max(large) <= 0.5),
        report("parameters_largest", max(totals), "parameters", "<= 4000000", max(totals) <= PARAMETER_LIMIT),
        report("parameters_median_of_limit", round(share, 2), "%", ">= 98 %", share >= 98),
    ]
    return 0 if all(met) else 1


def timed_fit(theta: Mapping[str, Number], seed: int) -> tuple[float, int]:
    """CPU seconds for all of it, and the plan's parameter total."""
    started = time.process_time()
    architecture = sample_architecture(HnagTheta.from_mapping(theta), seed)
    _, plan = fit_plan(architecture, IMAGE, CLASSES, PARAMETER_LIMIT)
    return time.process_time() - started, count_parameters(plan)


def paper_theta(rng: np.random.Generator) -> dict[str, Number]:
    """Uniform over the paper's ranges, everything else as the paper fixes it."""
    theta: dict[str, Number] = {}
    for item in HYPERPARAMETERS:
        if not isinstance(item.default, tuple):
            theta[item.name] = item.default
        elif item.kind == "int":
            theta[item.name] = int(rng.integers(int(item.default[0]), int(item.default[1]), endpoint=True))
        else:
            theta[item.name] = float(rng.uniform(*item.default))
    return theta


def largest_theta() -> dict[str, Number]:
    """10 × 10 × 10 nodes, complete mid graphs, rings of degree 8: denser than the paper's ranges allow."""
    fixed = {item.name: item.default for item in HYPERPARAMETERS if not isinstance(item.default, tuple)}
    graphs: dict[str, Number] = {f"{level}_nodes": 10 for level in ("top", "mid", "bottom")}
    return {**fixed, **graphs, "top_k": 9, "top_p": 0.5, "mid_p": 1.0, "bottom_k": 9, "bottom_p": 0.5}


def report(figure: str, value: float, unit: str, goal: str, met: bool) -> bool:
    line = {"benchmark": "plan", "figure": figure, "value": value, "unit": unit, "goal": goal, "met": met}
    print(json.dumps(line), flush=True)
    return met


if __name__ == "__main__":
    raise SystemExit(main())
