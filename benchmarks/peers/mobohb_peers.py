"""Random search, NSGA-II and Optuna's TPE, at the full fidelity, on the problems of benchmarks/mobohb.py.

Runs in the peers' environment, from the top of the repository:
    OMP_NUM_THREADS=1 .cache/peers/bin/python -m benchmarks.peers.mobohb_peers METHOD FIRST_SEED LAST_SEED
It adds its rows to benchmarks/peers/mobohb.csv.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.fidelity_problems import PROBLEMS, Array, FidelityProblem
from benchmarks.fidelity_race import COST, Row, rows
from benchmarks.rows import append_rows, read_rows

RESULTS = Path(__file__).with_name("mobohb.csv")
POPULATION = 20


def random(problem: FidelityProblem, seed: int) -> Iterator[Array]:
    yield from problem.costs(np.random.default_rng(seed).random((COST, problem.dimensions)), 1.0)


def nsga2(problem: FidelityProblem, seed: int) -> Iterator[Array]:
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.core.termination import NoTermination

    algorithm = NSGA2(pop_size=POPULATION)
    described = Problem(n_var=problem.dimensions, n_obj=2, xl=0.0, xu=1.0)
    algorithm.setup(described, termination=NoTermination(), seed=seed, verbose=False)
    while True:
        asked = algorithm.ask()
        costs = problem.costs(asked.get("X"), 1.0)
        yield from costs
        asked.set("F", costs)
        algorithm.tell(infills=asked)


def optuna_sampler(problem: FidelityProblem, seed: int, sampler: str) -> Iterator[Array]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    made = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}[sampler](seed=seed)
    study = optuna.create_study(sampler=made, directions=["minimize"] * 2)
    while True:
        trial = study.ask()
        point = [trial.suggest_float(f"x{number}", 0, 1) for number in range(problem.dimensions)]
        costs = problem.costs(np.array([point]), 1.0)[0]
        study.tell(trial, costs.tolist())
        yield costs


METHODS: dict[str, Callable[[FidelityProblem, int], Iterator[Array]]] = {
    "random": random,
    "nsga2": nsga2,
    "optuna-tpe": lambda problem, seed: optuna_sampler(problem, seed, "tpe"),
    "optuna-gp": lambda problem, seed: optuna_sampler(problem, seed, "gp"),
}


def main(method: str, first: int, last: int) -> None:
    """Runs that stand in the file already are left out."""
    done = {(row.problem, row.method, row.seed) for row in read_rows(Row, RESULTS)} if RESULTS.exists() else set()
    for seed in range(first, last + 1):
        for problem in PROBLEMS.values():
            if (problem.name, method, seed) not in done:
                found = METHODS[method](problem, seed)
                full = [(float(spent), next(found)) for spent in range(1, COST + 1)]
                append_rows(rows(problem, method, seed, full), Row, RESULTS)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
