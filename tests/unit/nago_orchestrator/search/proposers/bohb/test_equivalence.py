"""Our BOHB against HpBandSter's own classes, driven as its master does it: same seed and results, same proposals."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hpbandster.core.dispatcher import Job
from hpbandster.optimizers.bohb import BOHB
from hpbandster.optimizers.config_generators import bohb as generators

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.proposers.bohb.proposer import Bohb
from nago_orchestrator.search.proposers.bohb.sampler import configuration_space
from nago_orchestrator.search.proposers.bohb.settings import ModelOptions

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

Step = tuple[tuple[int, int, int], dict[str, float | int], float]
"""Configuration id, searched values, budget."""


@dataclass(frozen=True)
class Case:
    fidelities: tuple[int, ...]
    brackets: int
    in_flight: int
    num_samples: int


CASES = {
    "paper's fidelities, one at a time": Case((30, 60, 120), 18, 1, 64),
    "paper's fidelities, four in flight": Case((30, 60, 120), 24, 4, 4),
    "four rungs, one at a time": Case((1, 3, 9, 27), 12, 1, 4),
    "four rungs, four in flight": Case((1, 3, 9, 27), 12, 4, 4),
    "one fidelity, four in flight": Case((5,), 60, 4, 4),
}


def loss_of(number: int, values: dict[str, float | int], budget: float) -> float | None:
    """None for a crash: one in nine."""
    if number % 9 == 4:
        return None
    return sum(float(value) for value in values.values()) + 1 / budget + 0.01 * (number % 5)


class Master:
    """`hpbandster.core.master.Master.run` without threads: HpBandSter's generator and iterations, in its order."""

    def __init__(self, space: SearchSpace, seed: int, case: Case) -> None:
        low, high = case.fidelities[0], case.fidelities[-1]
        eta = case.fidelities[1] // low if low < high else 2
        rungs = -int(np.log(low / high) / np.log(eta)) + 1
        assert rungs == len(case.fidelities)
        self.configuration_space = configuration_space(space.dimensions)
        self.settings = SimpleNamespace(
            max_SH_iter=rungs,
            eta=eta,
            budgets=high * np.power(float(eta), -np.linspace(rungs - 1, 0, rungs)),
            config_generator=generators.BOHB(self.configuration_space, num_samples=case.num_samples),
        )
        self.seed, self.remaining = seed, case.brackets
        self.iterations: list[Any] = []
        self.number = 0

    def ask(self) -> Step | None:
        words = seeds.proposal(self.seed, self.number).generate_state(5)
        np.random.seed(words[:4])  # noqa: NPY002  # the reference draws from numpy's global generator
        self.configuration_space.seed(int(words[4]))
        while True:
            for iteration in self.iterations:
                if not iteration.is_finished and (run := iteration.get_next_run()) is not None:
                    self.number += 1
                    return run  # type: ignore[no-any-return]  # hpbandster is untyped
            if self.remaining == 0:
                return None
            self.iterations.append(BOHB.get_next_iteration(self.settings, len(self.iterations)))
            self.remaining -= 1

    def tell(self, number: int, step: Step, loss: float | None) -> None:
        job = Job(step[0], config=step[1], budget=step[2])
        job.result = None if loss is None else {"loss": loss}
        self.iterations[step[0][0]].register_result(job)
        self.settings.config_generator.new_result(job)

    def model_based(self) -> dict[tuple[int, int, int], bool]:
        """What HpBandSter noted of each configuration when it drew it."""
        return {
            key: datum.config_info["model_based_pick"]
            for iteration in self.iterations
            for key, datum in iteration.data.items()
        }


class Ours:
    def __init__(self, space: SearchSpace, seed: int, case: Case) -> None:
        self.space = space
        self.proposer = Bohb(
            space=space,
            study_seed=seed,
            fidelities=case.fidelities,
            brackets=case.brackets,
            options=ModelOptions(num_samples=case.num_samples),
        )
        self.proposals: list[Proposal] = []
        self.told = 0

    def ask(self) -> Step | None:
        proposal = self.proposer.ask()
        if not isinstance(proposal, Proposal):
            return None
        self.proposals.append(proposal)
        born = proposal
        while born.parent is not None:
            born = self.proposals[born.parent]
        assert proposal.bracket is not None
        assert born.rung is not None
        assert proposal.slot is not None
        return (proposal.bracket, born.rung, proposal.slot), self.space.searched(proposal.theta), proposal.fidelity

    def tell(self, number: int, step: Step, loss: float | None) -> None:
        ok = loss is not None
        self.proposer.tell(
            Evaluation(
                proposal=number,
                number=self.told,
                outcome=Outcome.OK if ok else Outcome.INFEASIBLE,
                values={"loss": loss} if loss is not None else {},
                costs=(loss,) if loss is not None else (),
                samples=1 if ok else 0,
            )
        )
        self.told += 1


def run(driver: Master | Ours, in_flight: int, report: Callable[[Step], None]) -> None:
    """Keep `in_flight` evaluations going; they finish in a random order that depends on nothing else."""
    order, pending, asked = random.Random(3), list[tuple[int, Step]](), 0
    while True:
        while len(pending) < in_flight and (step := driver.ask()) is not None:
            report(step)
            pending.append((asked, step))
            asked += 1
        if not pending:
            return
        number, step = pending.pop(order.randrange(len(pending)))
        driver.tell(number, step, loss_of(number, dict(step[1]), step[2]))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=[] if name == "one fidelity, four in flight" else pytest.mark.slow)
        for name, case in CASES.items()
    ],
)
def test_proposals_equal_hpbandsters(paper_space: SearchSpace, case: Case) -> None:
    reference, found = list[Step](), list[Step]()
    master, ours = Master(paper_space, 11, case), Ours(paper_space, 11, case)
    run(master, case.in_flight, reference.append)
    run(ours, case.in_flight, found.append)

    assert [step[0] for step in found] == [step[0] for step in reference]
    assert [step[1] for step in found] == [dict(step[1]) for step in reference]
    assert [step[2] for step in found] == pytest.approx([step[2] for step in reference])
    drawn = {
        step[0]: proposal.origin
        for step, proposal in zip(found, ours.proposals, strict=True)
        if proposal.parent is None
    }
    assert {key: origin is Origin.MODEL for key, origin in drawn.items()} == master.model_based()
    assert len(found) == ours.proposer.facts()["planned_proposals"]
    origins = [proposal.origin for proposal in ours.proposals]
    assert origins.count(Origin.MODEL) >= 10
    assert origins.count(Origin.RANDOM) >= 10
    assert (origins.count(Origin.PROMOTION) >= 10) == (len(case.fidelities) > 1)
