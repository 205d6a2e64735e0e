"""The multi-objective searches against their peers: hypervolume regret after 120 evaluations in batches of 8.

`python -m benchmarks.mobo` runs the searches on twelve problems, five seeds each, and compares them with the rows
of peers/mobo.csv, which `benchmarks.peers.mobo_peers` made. `python -m benchmarks.mobo SEARCHES SEEDS PROBLEM ...` runs
fewer, e.g. `ehvi-gp 2 ZDT1`. Prints JSON lines; ends with 1 if a goal is not met.
"""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.figure import Goal, show
from benchmarks.problems import PROBLEMS, Array, Problem
from benchmarks.race import BATCH, EVALUATIONS, Row, initial_size, run
from benchmarks.rows import read_rows
from nago_orchestrator.domain.proposals import Evaluation, Outcome, Proposal
from nago_orchestrator.domain.space import FloatRange, SearchSpace
from nago_orchestrator.search.acquisition.batch import Acquisition, AcquisitionOptions
from nago_orchestrator.search.acquisition.functions import AcquisitionFunction, FunctionOptions
from nago_orchestrator.search.acquisition.usemo import UsemoOptions
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.mobo.proposer import Mobo
from nago_orchestrator.search.proposers.mobo.settings import MoboOptions, MoboPlan
from nago_orchestrator.search.surrogate.kinds import fit_gaussian, network_fit
from nago_orchestrator.search.surrogate.port import Fit
from nago_trainer.architecture import HYPERPARAMETERS

PEERS = Path(__file__).parent / "peers" / "mobo.csv"
REFERENCE_PEER = "botorch-qlognehvi"
SEEDS = 5
RANGES = {
    "top_p": (0.0, 1.0),
    "mid_p": (0.0, 1.0),
    "bottom_p": (0.0, 1.0),
    "channel_ratio_1": (1e-6, 1.0),
    "channel_ratio_2": (1e-6, 1.0),
    "stage_ratio_1": (0.0, 1.0),
}
"""Hyperparameters that change a generator independently of each other: with the values below, any of them stands for
one side of the unit cube, to one part in a million."""
FIXED = {"top_nodes": 10, "top_k": 4, "mid_nodes": 5, "bottom_nodes": 10, "bottom_k": 4}
FIXED_RATIOS = {"channel_ratio_3": 1.0, "stage_ratio_2": 1e6, "stage_ratio_3": 0.0}


def usemo(gain: AcquisitionFunction = AcquisitionFunction.EXPECTED_IMPROVEMENT) -> AcquisitionOptions:
    return AcquisitionOptions(
        acquisition=Acquisition.USEMO, usemo=UsemoOptions(function=FunctionOptions(function=gain))
    )


SEARCHES: Mapping[str, tuple[AcquisitionOptions, Fit]] = {
    "usemo-network": (usemo(), network_fit()),
    "thompson-network": (usemo(AcquisitionFunction.THOMPSON), network_fit()),
    "bound-network": (usemo(AcquisitionFunction.CONFIDENCE_BOUND), network_fit()),
    "ehvi-network": (AcquisitionOptions(acquisition=Acquisition.EHVI), network_fit()),
    "usemo-gp": (usemo(), fit_gaussian),
    "thompson-gp": (usemo(AcquisitionFunction.THOMPSON), fit_gaussian),
    "bound-gp": (usemo(AcquisitionFunction.CONFIDENCE_BOUND), fit_gaussian),
    "ehvi-gp": (AcquisitionOptions(acquisition=Acquisition.EHVI), fit_gaussian),
}


def cube_space(dimensions: int) -> SearchSpace:
    searched = list(RANGES)[:dimensions]
    values = {item.name: np.max(item.default) for item in HYPERPARAMETERS} | FIXED | FIXED_RATIOS
    return SearchSpace(
        generator="hnag",
        connected=False,
        dimensions=tuple(FloatRange(name=name, low=RANGES[name][0], high=RANGES[name][1]) for name in searched),
        fixed={name: value for name, value in values.items() if name not in searched},
    )


class MoboSearch:
    """`Mobo` as the race wants it: points of the unit cube instead of thetas."""

    def __init__(self, name: str, problem: Problem, seed: int) -> None:
        acquisition, fit = SEARCHES[name]
        space = cube_space(problem.dimensions)
        options = MoboOptions(batch=BATCH, initial=initial_size(problem), acquisition=acquisition)
        plan = MoboPlan(
            space=space,
            study_seed=seed,
            fidelity=1,
            proposals=EVALUATIONS,
            objectives=problem.objectives,
            reference=problem.reference,
            options=options,
        )
        self._mobo = Mobo(plan, fit)
        self._encoding = Encoding(space)
        self._asked = list[Proposal]()
        self._told = 0

    def ask(self, count: int) -> Array:
        answers = [self._mobo.ask() for _ in range(count)]
        self._asked = [answer for answer in answers if isinstance(answer, Proposal)]
        return self._encoding.locate([proposal.theta for proposal in self._asked])

    def tell(self, points: Array, costs: Array) -> None:
        for proposal, row in zip(self._asked, costs.tolist(), strict=True):
            evaluation = Evaluation(
                proposal=proposal.number,
                number=self._told,
                outcome=Outcome.OK,
                values={},
                costs=tuple(row),
                samples=1,
            )
            self._mobo.tell(evaluation)
            self._told += 1


def last_rows(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """By problem and method: where each seed stood at the end."""
    ended = defaultdict[tuple[str, str], list[Row]](list)
    for row in rows:
        if row.evaluations == EVALUATIONS:
            ended[row.problem, row.method].append(row)
    return ended


def compare(search: str, problem: str, own: list[Row], peers: dict[tuple[str, str], list[Row]]) -> bool:
    """Prints what one search reached on one problem, and how that compares with every peer."""
    name = f"{problem}: {search}"
    regret, seconds = _median(own), statistics.median(row.seconds for row in own)
    best, worst = min(row.regret for row in own), max(row.regret for row in own)
    show("mobo", f"{name}, median regret ({best:.4g} to {worst:.4g}, {len(own)} seeds)", regret, "hypervolume")
    met = True
    for (other, method), rows in sorted(peers.items()):
        if other != problem:
            continue
        reference = method == REFERENCE_PEER
        goal = Goal(1.5) if reference else Goal(1.0)
        ratio = max(regret, 0.0) / max(_median(rows), 1e-9)
        met &= show("mobo", f"{name}, regret beside {method} ({len(rows)} seeds)", ratio, "times", goal)
        if reference:
            share = seconds / statistics.median(row.seconds for row in rows)
            met &= show("mobo", f"{name}, CPU seconds of proposing beside {method}", share, "times", Goal(0.1))
    return met


def _median(rows: list[Row]) -> float:
    return statistics.median(row.regret for row in rows)


def main(searches: list[str], seeds: int, problems: list[str]) -> bool:
    peers = last_rows(read_rows(Row, PEERS))
    met = True
    for name in problems:
        for search in searches:
            rows = [
                row
                for seed in range(1, seeds + 1)
                for row in run(PROBLEMS[name], search, MoboSearch(search, PROBLEMS[name], seed), seed)
            ]
            met &= compare(search, name, last_rows(rows)[name, search], peers)
    return met


if __name__ == "__main__":
    given = sys.argv[1:]
    chosen = given[0].split(",") if given else list(SEARCHES)
    raise SystemExit(not main(chosen, int(given[1]) if given[1:] else SEEDS, given[2:] or list(PROBLEMS)))
