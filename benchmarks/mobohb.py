"""How soon mobohb finds the front, against random search, NSGA-II, Optuna's TPE and BOHB on a scalarised objective.

`python -m benchmarks.mobohb` prints one JSON line per figure and ends with 1 if a goal is not met. The figures are
shares of the best known hypervolume after so many full evaluations; a lower fidelity costs its share of one. The peers'
runs are kept in benchmarks/peers/mobohb.csv, made by benchmarks/peers/mobohb_peers.py.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.fidelity_problems import PROBLEMS, Array, FidelityProblem
from benchmarks.fidelity_race import COST, Row, rows
from benchmarks.figure import Goal, show
from benchmarks.rows import read_rows
from benchmarks.unit_space import inputs, unit_space
from nago_orchestrator.domain.proposals import Evaluation, Outcome, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.proposers.bohb.proposer import Bohb
from nago_orchestrator.search.proposers.mobohb.proposer import Mobohb
from nago_orchestrator.search.proposers.port import Proposer

SEEDS = 15
LADDER = (1, 3, 9)
BRACKETS = 1_000
"""More than the cost pays for."""
JUDGED_AT = (20, 60, 120)
RESULTS = 1_000
TIMED_ASKS = 50
PEERS = Path(__file__).parent / "peers" / "mobohb.csv"

Told = Callable[[Array], tuple[float, ...]]
"""From a point's costs to those that the search is told."""


def run(problem: FidelityProblem, proposer: Proposer, space: SearchSpace, told: Told) -> list[tuple[float, Array]]:
    """Every evaluation at the full fidelity, with the cost spent when it ended. One at a time."""
    full, spent, number = list[tuple[float, Array]](), 0.0, 0
    while spent < COST:
        proposal = proposer.ask()
        if not isinstance(proposal, Proposal):
            raise RuntimeError(f"the search paused after {spent} full evaluations")
        share = proposal.fidelity / LADDER[-1]
        costs = problem.costs(inputs(space, proposal.theta)[None], share)[0]
        spent += share
        if proposal.fidelity == LADDER[-1]:
            full.append((spent, costs))
        proposer.tell(evaluation(proposal, number, told(costs)))
        number += 1
    return full


def evaluation(proposal: Proposal, number: int, costs: tuple[float, ...]) -> Evaluation:
    return Evaluation(proposal=proposal.number, number=number, outcome=Outcome.OK, values={}, costs=costs, samples=1)


def mobohb(problem: FidelityProblem, seed: int) -> list[Row]:
    space = unit_space(problem.dimensions)
    proposer = Mobohb(space=space, study_seed=seed, fidelities=LADDER, brackets=BRACKETS)
    full = run(problem, proposer, space, lambda costs: tuple(costs.tolist()))
    return rows(problem, "mobohb", seed, full)


def bohb(problem: FidelityProblem, seed: int) -> list[Row]:
    """On the sum of both costs: they are of one scale."""
    space = unit_space(problem.dimensions)
    proposer = Bohb(space=space, study_seed=seed, fidelities=LADDER, brackets=BRACKETS)
    full = run(problem, proposer, space, lambda costs: (float(costs.sum()),))
    return rows(problem, "bohb on the sum", seed, full)


def compare(problem: FidelityProblem, found: list[Row]) -> list[bool]:
    methods = sorted({row.method for row in found} - {"mobohb"})
    met = []
    for cost in JUDGED_AT:
        shares = {name: _shares(found, problem, name, cost) for name in ["mobohb", *methods]}
        best = max(float(np.median(shares[name])) for name in methods)
        for name in methods:
            _show(f"{problem.name} after {cost}, {name}", shares[name], None)
        met.append(_show(f"{problem.name} after {cost}, mobohb", shares["mobohb"], best))
    return met


def _shares(found: list[Row], problem: FidelityProblem, method: str, cost: int) -> list[float]:
    return [row.share for row in found if (row.problem, row.method, row.cost) == (problem.name, method, cost)]


def _show(figure: str, shares: list[float], goal: float | None) -> bool:
    low, middle, high = np.quantile(shares, [0.25, 0.5, 0.75]).tolist()
    show("mobohb", f"{figure}, lower quartile of {len(shares)} seeds", low, "of the best")
    show("mobohb", f"{figure}, upper quartile", high, "of the best")
    return show(
        "mobohb", f"{figure}, median", middle, "of the best", None if goal is None else Goal(goal, at_least=True)
    )


def proposal_milliseconds() -> list[float]:
    """CPU time of each proposal after 1,000 results, in eight dimensions with two objectives."""
    space = unit_space(real=4, whole=4)
    proposer = Mobohb(space=space, study_seed=1, fidelities=LADDER, brackets=BRACKETS)
    noise, found = np.random.default_rng(0), []
    for number in range(RESULTS + TIMED_ASKS):
        started = time.process_time()
        proposal = proposer.ask()
        found.append(1e3 * (time.process_time() - started))
        if not isinstance(proposal, Proposal):
            raise RuntimeError("the search paused")
        point = inputs(space, proposal.theta)
        costs = (float(point.sum() + noise.normal(0, 0.1)), float(((1 - point) ** 2).sum()))
        proposer.tell(evaluation(proposal, number, costs))
    return found[RESULTS:]


def main() -> int:
    warnings.simplefilter("ignore")  # HpBandSter uses names that ConfigSpace and statsmodels announce to drop
    found = read_rows(Row, PEERS)
    met = []
    for problem in PROBLEMS.values():
        for seed in range(1, SEEDS + 1):
            found += mobohb(problem, seed) + bohb(problem, seed)
        met += compare(problem, found)
    times = proposal_milliseconds()
    met.append(show("mobohb", "proposal at 1,000 results, largest", max(times), "ms", Goal(1_000)))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
