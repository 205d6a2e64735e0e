"""A study may be killed anywhere: from its rows comes a proposer that goes on as if nothing had happened."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nago_orchestrator.domain.proposals import Evaluation, Outcome, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.acquisition.batch import Acquisition
from nago_orchestrator.search.proposers.bohb.proposer import Bohb
from nago_orchestrator.search.proposers.bohb.settings import ModelOptions
from nago_orchestrator.search.proposers.mobo.proposer import Mobo
from nago_orchestrator.search.proposers.mobohb.proposer import Mobohb
from nago_orchestrator.search.proposers.port import Pause, Proposer
from nago_orchestrator.search.proposers.replay import rebuild, verify
from tests.quick_mobo import quick_mobo

OUTCOMES = (Outcome.OK,) * 8 + (Outcome.INFEASIBLE, Outcome.LOST)


class Study:
    """A proposer with its rows; what happens next comes from `chance`."""

    def __init__(
        self, proposer: Proposer, proposals: list[Proposal], evaluations: list[Evaluation], *, objectives: int
    ) -> None:
        self.proposer, self.proposals, self.evaluations = proposer, proposals, evaluations
        self.objectives = objectives

    def go_on(self, chance: random.Random, *, steps: int, in_flight: int) -> None:
        for _ in range(steps):
            told = {evaluation.proposal for evaluation in self.evaluations}
            pending = [proposal for proposal in self.proposals if proposal.number not in told]
            asked: Proposal | Pause = Pause.WAITING
            if len(pending) < in_flight:
                asked = self.proposer.ask()
            if isinstance(asked, Proposal):
                self.proposals.append(asked)
            elif pending:
                self.finish(chance.choice(pending), chance)

    def finish(self, proposal: Proposal, chance: random.Random) -> None:
        outcome = chance.choice(OUTCOMES)
        costs = tuple(round(chance.gauss(0, 1), 1) for _ in range(self.objectives))
        evaluation = Evaluation(
            proposal=proposal.number,
            number=len(self.evaluations),
            outcome=outcome,
            values={},
            costs=costs if outcome is Outcome.OK else (),
            samples=1,
        )
        self.evaluations.append(evaluation)
        self.proposer.tell(evaluation)


def check(make: Callable[[], Proposer], seed: int, *, objectives: int, in_flight: int, steps: tuple[int, int]) -> None:
    """After the first number of steps the study is rebuilt; living and rebuilt then make the second number."""
    living = Study(make(), [], [], objectives=objectives)
    living.go_on(random.Random(seed), steps=steps[0], in_flight=in_flight)
    assert verify(make(), living.proposals, living.evaluations) == ()

    rebuilt = Study(make(), list(living.proposals), list(living.evaluations), objectives=objectives)
    rebuild(rebuilt.proposer, rebuilt.proposals, rebuilt.evaluations)
    for study in (living, rebuilt):
        study.go_on(random.Random(seed + 1), steps=steps[1], in_flight=in_flight)
    assert rebuilt.proposals == living.proposals
    assert rebuilt.proposer.facts() == living.proposer.facts()


any_number_of = partial(settings, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SEEDS = st.integers(0, 2**32)
LADDERS = st.sampled_from([(30, 60, 120), (1, 3, 9), (7,)])
IN_FLIGHT = st.integers(1, 6)


@pytest.mark.slow
@any_number_of(max_examples=25)
@given(seed=SEEDS, fidelities=LADDERS, in_flight=IN_FLIGHT, steps=st.integers(0, 120))
def test_a_rebuilt_study_goes_on_as_the_living_one(
    small_space: SearchSpace, seed: int, fidelities: tuple[int, ...], in_flight: int, steps: int
) -> None:
    def make() -> Bohb:
        options = ModelOptions(num_samples=2)
        return Bohb(space=small_space, study_seed=seed, fidelities=fidelities, brackets=60, options=options)

    check(make, seed, objectives=1, in_flight=in_flight, steps=(steps, 30))


@pytest.mark.slow
@any_number_of(max_examples=10)
@given(seed=SEEDS, fidelities=LADDERS, in_flight=IN_FLIGHT, steps=st.integers(0, 80))
def test_so_does_one_by_mobohb(
    small_space: SearchSpace, seed: int, fidelities: tuple[int, ...], in_flight: int, steps: int
) -> None:
    def make() -> Mobohb:
        return Mobohb(space=small_space, study_seed=seed, fidelities=fidelities, brackets=60)

    check(make, seed, objectives=2, in_flight=in_flight, steps=(steps, 30))


@pytest.mark.slow
@any_number_of(max_examples=4)
@given(seed=SEEDS, in_flight=IN_FLIGHT, steps=st.integers(8, 24))
@pytest.mark.parametrize("acquisition", Acquisition)
def test_so_does_one_by_a_model(
    small_space: SearchSpace, seed: int, in_flight: int, steps: int, acquisition: Acquisition
) -> None:
    def make() -> Mobo:
        return quick_mobo(small_space, seed, proposals=100, acquisition=acquisition)

    check(make, seed, objectives=2, in_flight=in_flight, steps=(steps, 8))
