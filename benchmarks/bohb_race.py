"""Our BOHB and HpBandSter's own classes on two problems of several fidelities: the incumbents' regrets, seed by seed.

`benchmarks/bohb.py` compares them. HpBandSter is seeded once, as its users do, so the two draw other random numbers:
what is compared is quality. That they propose the same from the same random numbers is what the tests hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from benchmarks.fidelity_problems import HARTMANN_BEST, counting_ones, hartmann
from benchmarks.unit_space import inputs, unit_space
from nago_orchestrator.domain.proposals import Evaluation, Outcome, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.proposers.bohb.hpbandster_classes import BOHB, Job
from nago_orchestrator.search.proposers.bohb.proposer import Bohb
from nago_orchestrator.search.proposers.bohb.sampler import configuration_space

LADDER = (81, 243, 729)
ETA = 3
COST = 40
"""Full evaluations that each search may spend."""
_BRACKETS = 1_000

Step = tuple[Any, Mapping[str, float | int], int]
"""Whatever names the run, its searched values, its fidelity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    name: str
    space: SearchSpace
    loss: Callable[[SearchSpace, Mapping[str, float | int], int, tuple[int, int]], float]
    """Of searched values at a fidelity, with the noise of (seed, evaluation)."""
    regret: Callable[[SearchSpace, Mapping[str, float | int]], float]
    """Without noise, at the full fidelity."""


def _ones(space: SearchSpace, values: Mapping[str, float | int], fidelity: int, seed: tuple[int, int]) -> float:
    point = inputs(space, values)
    return counting_ones(point[:4], point[4:], fidelity, seed)


def _basin(space: SearchSpace, values: Mapping[str, float | int], fidelity: int, seed: tuple[int, int]) -> float:
    return float(hartmann(inputs(space, values)[None], fidelity / LADDER[-1])[0])


RACES = (
    Race(
        name="counting ones, 4 + 4 dimensions",
        space=unit_space(real=4, whole=4),
        loss=_ones,
        regret=lambda space, values: float((1 - inputs(space, values)).sum()),
    ),
    Race(
        name="Hartmann, 6 dimensions",
        space=unit_space(real=6),
        loss=_basin,
        regret=lambda space, values: _basin(space, values, LADDER[-1], (0, 0)) - HARTMANN_BEST,
    ),
)


class Search(Protocol):
    def ask(self) -> Step: ...

    def tell(self, step: Step, loss: float) -> None: ...


class Ours:
    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._proposer = Bohb(space=space, study_seed=seed, fidelities=LADDER, brackets=_BRACKETS)
        self._told = 0

    def ask(self) -> Step:
        proposal = self._proposer.ask()
        if not isinstance(proposal, Proposal):
            raise RuntimeError("the search paused")
        return proposal.number, proposal.theta, proposal.fidelity

    def tell(self, step: Step, loss: float) -> None:
        evaluation = Evaluation(
            proposal=step[0], number=self._told, outcome=Outcome.OK, values={}, costs=(loss,), samples=1
        )
        self._proposer.tell(evaluation)
        self._told += 1


class HpBandSter:
    """`hpbandster.core.master.Master.run` without threads: its generator and iterations, in its order."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        np.random.seed(seed)  # noqa: NPY002  # HpBandSter draws from numpy's global generator
        configurations = configuration_space(space.dimensions)
        configurations.seed(seed)
        self._settings = SimpleNamespace(
            max_SH_iter=len(LADDER),
            eta=ETA,
            budgets=np.array(LADDER, dtype=np.float64),
            config_generator=BOHB(configurations),
        )
        self._iterations: list[Any] = []

    def ask(self) -> Step:
        while True:
            for iteration in self._iterations:
                if not iteration.is_finished and (run := iteration.get_next_run()) is not None:
                    return run[0], run[1], int(run[2])
            self._iterations.append(_next_iteration(self._settings, len(self._iterations)))

    def tell(self, step: Step, loss: float) -> None:
        job = Job(step[0], config=step[1], budget=step[2])
        job.result = {"loss": loss}
        self._iterations[step[0][0]].register_result(job)
        self._settings.config_generator.new_result(job)


def _next_iteration(settings: SimpleNamespace, number: int) -> Any:
    from hpbandster.optimizers import bohb

    return bohb.BOHB.get_next_iteration(settings, number)


SEARCHES: Mapping[str, Callable[[SearchSpace, int], Search]] = {"ours": Ours, "HpBandSter": HpBandSter}


def incumbent_regret(race: Race, search: Search, seed: int) -> float:
    """Of the configuration with the smallest loss at the full fidelity, once COST is spent."""
    spent, told, best = 0.0, 0, (np.inf, np.inf)
    while spent < COST:
        step = search.ask()
        loss = race.loss(race.space, step[1], step[2], (seed, told))
        search.tell(step, loss)
        spent, told = spent + step[2] / LADDER[-1], told + 1
        if step[2] == LADDER[-1] and loss < best[0]:
            best = (loss, race.regret(race.space, step[1]))
    return best[1]
