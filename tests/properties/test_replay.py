"""A study may be killed anywhere: from its rows comes a proposer that goes on as if nothing had happened."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nago_orchestrator.domain import Evaluation, Outcome, Proposal
from nago_orchestrator.proposers.bohb import Bohb
from nago_orchestrator.proposers.hpbandster_fence import ModelOptions
from nago_orchestrator.proposers.port import Pause
from nago_orchestrator.proposers.replay import rebuild, verify
from nago_orchestrator.space import SearchSpace

OUTCOMES = (Outcome.OK,) * 8 + (Outcome.INFEASIBLE, Outcome.LOST)


class Study:
    """A proposer with its rows; what happens next comes from `chance`."""

    def __init__(self, proposer: Bohb, proposals: list[Proposal], evaluations: list[Evaluation]) -> None:
        self.proposer, self.proposals, self.evaluations = proposer, proposals, evaluations

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
        outcome, cost = chance.choice(OUTCOMES), round(chance.gauss(0, 1), 1)
        evaluation = Evaluation(
            proposal=proposal.number,
            number=len(self.evaluations),
            outcome=outcome,
            values={},
            costs=(cost,) if outcome is Outcome.OK else (),
            samples=1,
        )
        self.evaluations.append(evaluation)
        self.proposer.tell(evaluation)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    ladder=st.sampled_from([(30, 60, 120), (1, 3, 9), (7,)]),
    in_flight=st.integers(1, 6),
    steps=st.integers(0, 120),
)
def test_a_rebuilt_study_goes_on_as_the_living_one(
    small_space: SearchSpace, seed: int, ladder: tuple[int, ...], in_flight: int, steps: int
) -> None:
    def make() -> Bohb:
        options = ModelOptions(num_samples=2)
        return Bohb(space=small_space, study_seed=seed, ladder=ladder, brackets=60, options=options)

    living = Study(make(), [], [])
    living.go_on(random.Random(seed), steps=steps, in_flight=in_flight)
    assert verify(make(), living.proposals, living.evaluations) == ()

    rebuilt = Study(make(), list(living.proposals), list(living.evaluations))
    rebuild(rebuilt.proposer, rebuilt.proposals, rebuilt.evaluations)
    for study in (living, rebuilt):
        study.go_on(random.Random(seed + 1), steps=30, in_flight=in_flight)
    assert rebuilt.proposals == living.proposals
    assert rebuilt.proposer.facts() == living.proposer.facts()
