"""Random search, NSGA-II, Optuna's TPE and GP samplers and BoTorch's qLogNEHVI on the problems of benchmarks/mobo.py.

Runs in the peers' environment, from the top of the repository:
    python3.11 -m venv .cache/peers && .cache/peers/bin/pip install -r benchmarks/peers/requirements.txt
    OMP_NUM_THREADS=1 .cache/peers/bin/python -m benchmarks.peers.mobo_peers METHOD FIRST_SEED LAST_SEED [PROBLEM ...]
It adds its rows to benchmarks/peers/mobo.csv.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problems import PROBLEMS, Array, Problem
from benchmarks.race import Row, Search, run
from benchmarks.rows import append_rows, read_rows

RESULTS = Path(__file__).with_name("mobo.csv")


class Random:
    def __init__(self, problem: Problem, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._dimensions = problem.dimensions

    def ask(self, count: int) -> Array:
        return self._rng.random((count, self._dimensions))

    def tell(self, points: Array, costs: Array) -> None:
        pass


class Nsga2:
    """pymoo's, with the initial points as its population and generations of one batch."""

    def __init__(self, problem: Problem, seed: int) -> None:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.problem import Problem as PymooProblem
        from pymoo.core.termination import NoTermination

        from benchmarks.race import BATCH, initial_size

        self._problem = PymooProblem(n_var=problem.dimensions, n_obj=problem.objectives, xl=0.0, xu=1.0)
        self._algorithm = NSGA2(pop_size=initial_size(problem), n_offsprings=BATCH)
        self._algorithm.setup(self._problem, termination=NoTermination(), seed=seed, verbose=False)
        self._rng = np.random.default_rng(seed)

    def ask(self, count: int) -> Array:
        self._asked = self._algorithm.ask()
        points: Array = self._asked.get("X")[:count]
        missing = count - len(points)
        return np.vstack([points, self._rng.random((missing, points.shape[1]))]) if missing else points

    def tell(self, points: Array, costs: Array) -> None:
        from pymoo.core.evaluator import Evaluator
        from pymoo.problems.static import StaticProblem

        known = self._asked[: len(points)]
        Evaluator().eval(StaticProblem(self._problem, F=costs[: len(known)]), known)
        self._algorithm.tell(infills=known)


class Optuna:
    def __init__(self, problem: Problem, sampler: str, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        make = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}[sampler]
        self._study = optuna.create_study(sampler=make(seed=seed), directions=["minimize"] * problem.objectives)
        self._dimensions = problem.dimensions

    def ask(self, count: int) -> Array:
        self._trials = [self._study.ask() for _ in range(count)]
        return np.array(
            [[trial.suggest_float(f"x{i}", 0, 1) for i in range(self._dimensions)] for trial in self._trials]
        )

    def tell(self, points: Array, costs: Array) -> None:
        for trial, values in zip(self._trials, costs.tolist(), strict=True):
            self._study.tell(trial, values)


class QLogNehvi:
    """BoTorch's tutorial: Sobol points first, a standardised SingleTaskGP per objective, the batch point by point.

    With less effort than there, since a run takes minutes even so: 4 restarts of 100 steps instead of 10 of 200, from
    256 instead of 512 raw points, and 64 instead of 128 functions.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        import torch

        torch.set_default_dtype(torch.float64)
        torch.manual_seed(seed)
        self._torch = torch
        self._seed = seed
        self._reference = -torch.tensor(problem.reference)
        self._points = torch.empty((0, problem.dimensions))
        self._values = torch.empty((0, problem.objectives))

    def ask(self, count: int) -> Array:
        from botorch.utils.sampling import draw_sobol_samples

        dimensions = self._points.shape[1]
        bounds = self._torch.stack([self._torch.zeros(dimensions), self._torch.ones(dimensions)])
        if not len(self._points):
            return np.asarray(draw_sobol_samples(bounds, n=count, q=1, seed=self._seed).squeeze(1))
        return self._optimise(bounds, count)

    def _optimise(self, bounds: Any, count: int) -> Array:
        from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import ModelListGP, SingleTaskGP
        from botorch.models.transforms import Standardize
        from botorch.optim import optimize_acqf
        from botorch.sampling import SobolQMCNormalSampler
        from gpytorch.mlls import SumMarginalLogLikelihood

        model = ModelListGP(
            *(
                SingleTaskGP(self._points, column[:, None], outcome_transform=Standardize(1))
                for column in self._values.T
            )
        )
        fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
        acquisition = qLogNoisyExpectedHypervolumeImprovement(
            model,
            ref_point=self._reference,
            X_baseline=self._points,
            prune_baseline=True,
            sampler=SobolQMCNormalSampler(self._torch.Size([64]), seed=self._seed),
        )
        found, _ = optimize_acqf(
            acquisition,
            bounds,
            q=count,
            num_restarts=4,
            raw_samples=256,
            options={"batch_limit": 4, "maxiter": 100},
            sequential=True,
        )
        return np.asarray(found.detach())

    def tell(self, points: Array, costs: Array) -> None:
        self._points = self._torch.cat([self._points, self._torch.tensor(points)])
        self._values = self._torch.cat([self._values, -self._torch.tensor(costs)])


METHODS: dict[str, Callable[[Problem, int], Search]] = {
    "random": Random,
    "nsga2": Nsga2,
    "optuna-tpe": lambda problem, seed: Optuna(problem, "tpe", seed),
    "optuna-gp": lambda problem, seed: Optuna(problem, "gp", seed),
    "botorch-qlognehvi": QLogNehvi,
}


def main(method: str, first: int, last: int, names: list[str]) -> None:
    """Runs that stand in the file already are left out."""
    warnings.simplefilter("ignore")
    done = {(row.problem, row.method, row.seed) for row in read_rows(Row, RESULTS)} if RESULTS.exists() else set()
    for seed in range(first, last + 1):
        for name in names or PROBLEMS:
            if (name, method, seed) not in done:
                rows = list(run(PROBLEMS[name], method, METHODS[method](PROBLEMS[name], seed), seed))
                append_rows(rows, Row, RESULTS)
                print(
                    f"{name} {method} seed {seed}: regret {rows[-1].regret:.4g} in {rows[-1].seconds:.0f} s", flush=True
                )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
