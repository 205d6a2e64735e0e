"""How long BOHB takes to propose, and to come back after a restart, at 1,000 told results.

`python -m benchmarks.bohb` prints one JSON line per figure and ends with 1 if a goal is not met.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

from nago_orchestrator.domain import Evaluation, Origin, Outcome, Proposal
from nago_orchestrator.proposers.bohb import Bohb
from nago_orchestrator.proposers.hpbandster_classes import BOHB, Job
from nago_orchestrator.proposers.hpbandster_fence import ModelOptions, configuration_space
from nago_orchestrator.proposers.replay import rebuild
from nago_orchestrator.space import Dimension, FloatRange, IntegerRange, SearchSpace
from nago_trainer.architecture.theta import HYPERPARAMETERS

RESULTS = 1_000
TIMED_ASKS = 150
REPEATS = 5
MEDIAN_GOAL_MS = 100.0
REBUILD_GOAL_S = 1.0
IMPORT = "import nago_orchestrator.proposers.bohb"


def paper_space() -> SearchSpace:
    """Eight searched hyperparameters, fourteen fixed."""
    dimensions: list[Dimension] = []
    for item in HYPERPARAMETERS:
        if isinstance(item.default, tuple) and item.kind == "int":
            dimensions.append(IntegerRange(name=item.name, low=int(item.default[0]), high=int(item.default[1])))
        elif isinstance(item.default, tuple):
            dimensions.append(FloatRange(name=item.name, low=item.default[0], high=item.default[1]))
    fixed = {item.name: item.default for item in HYPERPARAMETERS if not isinstance(item.default, tuple)}
    return SearchSpace(generator="hnag", connected=False, dimensions=tuple(dimensions), fixed=fixed)


def new_proposer(num_samples: int = 64) -> Bohb:
    options = ModelOptions(num_samples=num_samples)
    return Bohb(space=paper_space(), study_seed=1, ladder=(30, 60, 120), brackets=3_000, options=options)


def evaluate(proposal: Proposal, told: int) -> Evaluation:
    cost = sum(proposal.theta.values()) + random.Random(told).gauss(0, 0.5)
    return Evaluation(
        proposal=proposal.number, number=told, outcome=Outcome.OK, values={"error": cost}, costs=(cost,), samples=1
    )


def step(proposer: Bohb, told: int) -> tuple[Proposal, Evaluation, float]:
    """One proposal and its evaluation, and the seconds that asking took."""
    started = time.perf_counter()
    proposal = proposer.ask()
    seconds = time.perf_counter() - started
    if not isinstance(proposal, Proposal):
        raise RuntimeError(f"the search paused after {told} results")
    evaluation = evaluate(proposal, told)
    proposer.tell(evaluation)
    return proposal, evaluation, seconds


def history() -> tuple[list[Proposal], list[Evaluation]]:
    """Of a finished part of a study. One candidate per proposal makes it quickly; what is told looks the same."""
    proposer = new_proposer(num_samples=1)
    steps = [step(proposer, told) for told in range(RESULTS)]
    return [proposal for proposal, _, _ in steps], [evaluation for _, evaluation, _ in steps]


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def hpbandster_milliseconds(proposals: list[Proposal], evaluations: list[Evaluation]) -> list[float]:
    """The same by HpBandSter's own class, told the same results: each proposal by its model, as often as ours."""
    space = paper_space()
    generator = BOHB(configuration_space(space.dimensions))
    for number, (proposal, evaluation) in enumerate(zip(proposals, evaluations, strict=True)):
        job = Job((0, 0, number), config=space.searched(proposal.theta), budget=proposal.fidelity)
        job.result = {"loss": evaluation.costs[0]}
        generator.new_result(job)
    found = []
    for _ in range(TIMED_ASKS):
        started = time.perf_counter()
        _, info = generator.get_config(30)
        if info["model_based_pick"]:
            found.append(1e3 * (time.perf_counter() - started))
    return found


def process_seconds(code: str) -> float:
    return timed(lambda: subprocess.run([sys.executable, "-c", code], check=True))


def import_seconds() -> float:
    """In a new process, less the interpreter's own start."""
    whole, bare = (statistics.median(process_seconds(code) for _ in range(REPEATS)) for code in (IMPORT, "pass"))
    return whole - bare


def show(figure: str, value: float, unit: str, goal: float | None = None) -> bool:
    met = goal is None or value <= goal
    line = {"benchmark": "bohb", "figure": figure, "value": round(value, 4), "unit": unit, "goal": goal, "met": met}
    print(json.dumps(line), flush=True)
    return met


def main() -> int:
    warnings.simplefilter("ignore")  # HpBandSter uses names that ConfigSpace and statsmodels announce to drop
    proposals, evaluations = history()
    proposer = new_proposer()
    rebuild(proposer, proposals, evaluations)
    asks = [step(proposer, RESULTS + number) for number in range(TIMED_ASKS)]
    milliseconds = [1e3 * seconds for proposal, _, seconds in asks if proposal.origin is Origin.MODEL]
    rebuilds = [timed(lambda: rebuild(new_proposer(), proposals, evaluations)) for _ in range(REPEATS)]
    peer = statistics.median(hpbandster_milliseconds(proposals, evaluations))
    met = [
        show("proposal by the model at 1,000 results, median", statistics.median(milliseconds), "ms", MEDIAN_GOAL_MS),
        show(
            "proposal by the model at 1,000 results, 95th percentile",
            statistics.quantiles(milliseconds, n=20)[-1],
            "ms",
        ),
        show("the same by HpBandSter's own generator, fit excluded, median", peer, "ms"),
        show("rebuild at 1,000 results, median", statistics.median(rebuilds), "s", REBUILD_GOAL_S),
        show("rebuild at 1,000 results, largest", max(rebuilds), "s"),
        show("import of the proposer, median", import_seconds(), "s"),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
