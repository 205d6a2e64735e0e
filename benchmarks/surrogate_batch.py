"""How long a whole batch takes, fit and choice together, when 300 evaluations are known."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.figure import Goal, show
from nago_orchestrator.acquisition.batch import Acquisition, AcquisitionOptions
from nago_orchestrator.domain import Outcome, PriorEvaluation
from nago_orchestrator.encoding import Encoding
from nago_orchestrator.proposers.mobo import Mobo
from nago_orchestrator.proposers.mobo_batch import Fit
from nago_orchestrator.proposers.mobo_fit import fit_gaussian, network_fit
from nago_orchestrator.proposers.mobo_plan import MoboOptions, MoboPlan
from nago_orchestrator.space import SearchSpace
from nago_orchestrator.spec.space_section import SpaceSection

EVALUATIONS, BATCH, BATCHES, SEEDS = 300, 8, 2, 3
SEARCHES: dict[str, tuple[Acquisition, Callable[[], Fit]]] = {
    "mobo": (Acquisition.USEMO, network_fit),
    "ehvi": (Acquisition.EHVI, lambda: fit_gaussian),
}


def batch_time() -> bool:
    """In the paper's space, for two objectives; the first batch of a process compiles, and is shown without a goal."""
    met = []
    for name, (acquisition, fit) in SEARCHES.items():
        batches = [seconds for seed in range(SEEDS) for seconds in batch_seconds(acquisition, fit(), seed)]
        what = f"{name}: a batch of {BATCH} at {EVALUATIONS} evaluations"
        show("surrogate", f"{what}, the first", batches[0], "s")
        met.append(show("surrogate", f"{what}, later, median", statistics.median(batches[1:]), "s", Goal(5)))
    return all(met)


def batch_seconds(acquisition: Acquisition, fit: Fit, seed: int) -> list[float]:
    space = SpaceSection().search_space()
    options = MoboOptions(batch=BATCH, initial=0, acquisition=AcquisitionOptions(acquisition=acquisition))
    plan = MoboPlan(space=space, study_seed=seed, fidelity=1, proposals=BATCH * BATCHES, objectives=2, options=options)
    search = Mobo(plan, fit, prior=evaluations(space, seed))
    found = []
    for _ in range(BATCHES):
        started = time.perf_counter()
        for _ in range(BATCH):
            search.ask()
        found.append(time.perf_counter() - started)
    return found


def evaluations(space: SearchSpace, seed: int) -> tuple[PriorEvaluation, ...]:
    """Of two costs that pull apart, with noise."""
    rng = np.random.default_rng(seed)
    thetas = [space.sample(rng) for _ in range(EVALUATIONS)]
    points = Encoding(space).locate(thetas)
    near, far = np.square(points - 0.3).sum(axis=1), np.square(points - 0.7).sum(axis=1)
    costs = np.stack([near, far], axis=1) + 0.05 * rng.standard_normal((EVALUATIONS, 2))
    return tuple(
        PriorEvaluation(theta=theta, fidelity=1, outcome=Outcome.OK, costs=tuple(row), samples=1)
        for theta, row in zip(thetas, costs.tolist(), strict=True)
    )
