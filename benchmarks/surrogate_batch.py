"""How long a whole batch takes, fit and choice together, when 300 evaluations are known, or 1,000."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.figure import Goal, show
from nago_orchestrator.domain.proposals import Outcome, PriorEvaluation
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.acquisition.batch import Acquisition, AcquisitionOptions
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.mobo.proposer import Mobo
from nago_orchestrator.search.proposers.mobo.settings import MoboOptions, MoboPlan
from nago_orchestrator.search.surrogate.kinds import fit_gaussian, network_fit
from nago_orchestrator.search.surrogate.port import Fit
from nago_orchestrator.spec.space_section import SpaceSection

EVALUATIONS, BATCH, BATCHES, SEEDS = 300, 8, 2, 3
MANY_EVALUATIONS = 1000
SEARCHES: dict[str, tuple[Acquisition, Callable[[], Fit]]] = {
    "mobo": (Acquisition.USEMO, network_fit),
    "ehvi": (Acquisition.EHVI, lambda: fit_gaussian),
}


def batch_time() -> bool:
    """In the paper's space, for two objectives; the first batch of a process, and of a size class, compiles, and is
    shown without a goal."""
    met = [search_time(name, EVALUATIONS, SEEDS, Goal(5)) for name in SEARCHES]
    for name in SEARCHES:
        search_time(name, MANY_EVALUATIONS, 1, None)
    return all(met)


def search_time(name: str, known: int, seeds: int, goal: Goal | None) -> bool:
    acquisition, fit = SEARCHES[name]
    batches = [seconds for seed in range(seeds) for seconds in batch_seconds(acquisition, fit(), known, seed)]
    what = f"{name}: a batch of {BATCH} at {known:,} evaluations"
    show("surrogate", f"{what}, the first", batches[0], "s")
    return show("surrogate", f"{what}, later, median", statistics.median(batches[1:]), "s", goal)


def batch_seconds(acquisition: Acquisition, fit: Fit, known: int, seed: int) -> list[float]:
    space = SpaceSection().search_space()
    options = MoboOptions(batch=BATCH, initial=0, acquisition=AcquisitionOptions(acquisition=acquisition))
    plan = MoboPlan(space=space, study_seed=seed, fidelity=1, proposals=BATCH * BATCHES, objectives=2, options=options)
    search = Mobo(plan, fit, prior=evaluations(space, known, seed))
    found = []
    for _ in range(BATCHES):
        started = time.perf_counter()
        for _ in range(BATCH):
            search.ask()
        found.append(time.perf_counter() - started)
    return found


def evaluations(space: SearchSpace, count: int, seed: int) -> tuple[PriorEvaluation, ...]:
    """Of two costs that pull apart, with noise."""
    rng = np.random.default_rng(seed)
    thetas = [space.sample(rng) for _ in range(count)]
    points = Encoding(space).locate(thetas)
    near, far = np.square(points - 0.3).sum(axis=1), np.square(points - 0.7).sum(axis=1)
    costs = np.stack([near, far], axis=1) + 0.05 * rng.standard_normal((count, 2))
    return tuple(
        PriorEvaluation(theta=theta, fidelity=1, outcome=Outcome.OK, costs=tuple(row), samples=1)
        for theta, row in zip(thetas, costs.tolist(), strict=True)
    )
