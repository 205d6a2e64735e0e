"""How long BOHB takes to propose, and to come back after a restart, at 1,000 told results; and what it finds.

Its quality is compared with that of HpBandSter itself (`bohb_race.py`).

`python -m benchmarks.bohb` prints one JSON line per figure and ends with 1 if a goal is not met;
`python -m benchmarks.bohb 100` compares that many seeds.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from benchmarks.bohb_race import COST, RACES, SEARCHES, Race, incumbent_regret
from benchmarks.figure import Goal, show
from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, Proposal
from nago_orchestrator.search.proposers.bohb.hpbandster_classes import BOHB, Job
from nago_orchestrator.search.proposers.bohb.proposer import Bohb
from nago_orchestrator.search.proposers.bohb.sampler import configuration_space
from nago_orchestrator.search.proposers.bohb.settings import ModelOptions
from nago_orchestrator.search.proposers.replay import rebuild
from nago_orchestrator.spec.space_section import SpaceSection

RESULTS = 1_000
TIMED_ASKS = 150
REPEATS = 5
SEEDS = 25
BOOTSTRAPS = 2_000
SPACE = SpaceSection().search_space()
"""The paper's: eight searched hyperparameters."""
IMPORT = "import nago_orchestrator.search.proposers.bohb.proposer"


def new_proposer(num_samples: int = 64) -> Bohb:
    options = ModelOptions(num_samples=num_samples)
    return Bohb(space=SPACE, study_seed=1, fidelities=(30, 60, 120), brackets=3_000, options=options)


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
    generator = BOHB(configuration_space(SPACE.dimensions))
    for number, (proposal, evaluation) in enumerate(zip(proposals, evaluations, strict=True)):
        job = Job((0, 0, number), config=SPACE.searched(proposal.theta), budget=proposal.fidelity)
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


def compare(race: Race, seeds: int) -> bool:
    """No worse: the difference of the medians may well be 0 or less, by the interval of its bootstrap."""
    regrets = {
        name: np.array([incumbent_regret(race, make(race.space, seed), seed) for seed in range(1, seeds + 1)])
        for name, make in SEARCHES.items()
    }
    for name, found in regrets.items():
        for label, share in (("lower quartile", 0.25), ("median", 0.5), ("upper quartile", 0.75)):
            figure = f"{race.name}: regret after {COST} full evaluations, {name}, {label} of {seeds} seeds"
            show("bohb", figure, float(np.quantile(found, share)), "loss")
    rng = np.random.default_rng(0)
    medians = {name: np.median(rng.choice(found, size=(BOOTSTRAPS, seeds)), axis=1) for name, found in regrets.items()}
    low, high = np.quantile(medians["ours"] - medians["HpBandSter"], [0.05, 0.95])
    show("bohb", f"{race.name}: ours minus HpBandSter's median, upper end of 90 %", float(high), "loss")
    figure = f"{race.name}: ours minus HpBandSter's median, lower end of 90 %"
    return show("bohb", figure, float(low), "loss", Goal(0))


def main(seeds: int) -> int:
    warnings.simplefilter("ignore")  # HpBandSter uses names that ConfigSpace and statsmodels announce to drop
    proposals, evaluations = history()
    proposer = new_proposer()
    rebuild(proposer, proposals, evaluations)
    asks = [step(proposer, RESULTS + number) for number in range(TIMED_ASKS)]
    milliseconds = [1e3 * seconds for proposal, _, seconds in asks if proposal.origin is Origin.MODEL]
    rebuilds = [timed(lambda: rebuild(new_proposer(), proposals, evaluations)) for _ in range(REPEATS)]
    middle = statistics.median(milliseconds)
    peer = statistics.median(hpbandster_milliseconds(proposals, evaluations))
    met = [
        show("bohb", "proposal by the model at 1,000 results, median", middle, "ms", Goal(100)),
        show(
            "bohb",
            "proposal by the model at 1,000 results, 95th percentile",
            statistics.quantiles(milliseconds, n=20)[-1],
            "ms",
        ),
        show("bohb", "the same by HpBandSter's own generator, fit excluded, median", peer, "ms"),
        show("bohb", "rebuild at 1,000 results, median", statistics.median(rebuilds), "s", Goal(1)),
        show("bohb", "rebuild at 1,000 results, largest", max(rebuilds), "s"),
        show("bohb", "import of the proposer, median", import_seconds(), "s"),
    ]
    met += [compare(race, seeds) for race in RACES]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else SEEDS))
