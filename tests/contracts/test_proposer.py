"""What every proposer owes the loop, whatever its algorithm: one class of tests, run on each."""

from __future__ import annotations

import abc
from typing import ClassVar

import numpy as np
import pytest

from nago_orchestrator.domain.proposals import Evaluation, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.acquisition.batch import Acquisition, AcquisitionOptions
from nago_orchestrator.search.acquisition.evolution import EvolutionOptions
from nago_orchestrator.search.acquisition.usemo import UsemoOptions
from nago_orchestrator.search.proposers.bohb.proposer import Bohb
from nago_orchestrator.search.proposers.bohb.settings import ModelOptions
from nago_orchestrator.search.proposers.mobo.proposer import Mobo
from nago_orchestrator.search.proposers.mobo.settings import MoboOptions, MoboPlan
from nago_orchestrator.search.proposers.mobohb.proposer import Mobohb
from nago_orchestrator.search.proposers.phases.proposer import Phase, Phases
from nago_orchestrator.search.proposers.port import HistoryError, Pause, Proposer
from nago_orchestrator.search.proposers.random.proposer import RandomSearch
from nago_orchestrator.search.proposers.replay import rebuild, verify
from nago_orchestrator.search.surrogate.kinds import fit_gaussian
from tests.quick_mobo import quick_mobo


class ProposerContract(abc.ABC):
    """Subclasses say how to make one that needs fewer than a hundred evaluations, and of how many objectives."""

    objectives: ClassVar[int] = 1

    @abc.abstractmethod
    def make(self, space: SearchSpace, study_seed: int) -> Proposer: ...

    def evaluate(self, proposal: Proposal, number: int) -> Evaluation:
        outcome = {3: Outcome.INFEASIBLE, 7: Outcome.LOST}.get(proposal.number % 10, Outcome.OK)
        total = float(sum(proposal.theta.values()))
        costs = (total, -float(proposal.theta["top_p"]))[: self.objectives] if outcome is Outcome.OK else ()
        return Evaluation(proposal=proposal.number, number=number, outcome=outcome, values={}, costs=costs, samples=1)

    def finish(self, proposer: Proposer) -> tuple[list[Proposal], list[Evaluation]]:
        """Two in flight, until the proposer is exhausted."""
        proposals, evaluations = list[Proposal](), list[Evaluation]()
        while isinstance(proposal := proposer.ask(), Proposal) or len(evaluations) < len(proposals):
            if isinstance(proposal, Proposal):
                proposals.append(proposal)
            if len(proposals) - len(evaluations) == 2 or not isinstance(proposal, Proposal):
                evaluations.append(self.evaluate(proposals[len(evaluations)], len(evaluations)))
                proposer.tell(evaluations[-1])
        return proposals, evaluations

    def test_it_ends(self, small_space: SearchSpace) -> None:
        proposer = self.make(small_space, 1)
        proposals, _ = self.finish(proposer)
        assert 0 < len(proposals) < 100
        assert proposer.ask() is Pause.EXHAUSTED
        assert proposer.facts()["planned_proposals"] == len(proposals)

    def test_proposals_are_numbered_and_complete(self, small_space: SearchSpace) -> None:
        proposals, _ = self.finish(self.make(small_space, 1))
        for number, proposal in enumerate(proposals):
            assert proposal.number == number
            assert small_space.theta(proposal.theta) == proposal.theta
            assert {type(value) for value in proposal.theta.values()} <= {int, float}
            assert type(proposal.fidelity) is int

    def test_the_same_seed_and_results_give_the_same_proposals(self, small_space: SearchSpace) -> None:
        first, second, other = (self.finish(self.make(small_space, seed))[0] for seed in (1, 1, 2))
        assert first == second
        assert first != other

    def test_the_global_generator_does_not_matter_and_is_left_alone(self, small_space: SearchSpace) -> None:
        found, states = [], []
        for seed in (1, 2):
            np.random.seed(seed)  # noqa: NPY002  # what must not matter
            found.append(self.finish(self.make(small_space, 1))[0])
            states.append(np.random.random_sample())  # noqa: NPY002  # as above
        assert found[0] == found[1]
        assert states == [np.random.RandomState(seed).random_sample() for seed in (1, 2)]  # as above

    def test_it_can_be_rebuilt_at_any_moment(self, small_space: SearchSpace) -> None:
        proposals, evaluations = self.finish(self.make(small_space, 1))
        for cut in range(0, len(proposals), 5):
            rebuilt = self.make(small_space, 1)
            told = proposals[cut].evaluations_before
            rebuild(rebuilt, proposals[:cut], evaluations[:told])
            assert rebuilt.ask() == proposals[cut]

    def test_its_own_history_verifies(self, small_space: SearchSpace) -> None:
        assert verify(self.make(small_space, 1), *self.finish(self.make(small_space, 1))) == ()

    def test_an_evaluation_is_told_once_in_order_and_of_a_known_proposal(self, small_space: SearchSpace) -> None:
        proposer = self.make(small_space, 1)
        proposal = proposer.ask()
        assert isinstance(proposal, Proposal)
        with pytest.raises(HistoryError, match="out of order"):
            proposer.tell(self.evaluate(proposal, 1))
        proposer.tell(self.evaluate(proposal, 0))
        with pytest.raises(HistoryError, match="not a pending one"):
            proposer.tell(self.evaluate(proposal, 1))

    def test_a_proposal_is_recorded_in_its_place_only(self, small_space: SearchSpace) -> None:
        proposals, _ = self.finish(self.make(small_space, 1))
        with pytest.raises(HistoryError, match="is out of order"):
            self.make(small_space, 1).record(proposals[1])


class TestRandomSearch(ProposerContract):
    def make(self, space: SearchSpace, study_seed: int) -> Proposer:
        return RandomSearch(space=space, study_seed=study_seed, fidelity=60, proposals=30)


class TestBohb(ProposerContract):
    def make(self, space: SearchSpace, study_seed: int) -> Proposer:
        options = ModelOptions(num_samples=4)
        return Bohb(space=space, study_seed=study_seed, fidelities=(30, 60, 120), brackets=12, options=options)


class TestMobohb(ProposerContract):
    def make(self, space: SearchSpace, study_seed: int) -> Proposer:
        return Mobohb(space=space, study_seed=study_seed, fidelities=(30, 60, 120), brackets=12)


class TestMobohbOfTwoObjectives(TestMobohb):
    objectives = 2


@pytest.mark.slow
class TestMobo(ProposerContract):
    def make(self, space: SearchSpace, study_seed: int) -> Proposer:
        quick = AcquisitionOptions(usemo=UsemoOptions(evolution=EvolutionOptions(population=20, generations=4)))
        options = MoboOptions(batch=4, initial=6, acquisition=quick)
        plan = MoboPlan(space=space, study_seed=study_seed, fidelity=60, proposals=17, objectives=1, options=options)
        return Mobo(plan, fit_gaussian)


@pytest.mark.slow
class TestMoboOfTwoObjectives(ProposerContract):
    """The default search, with its Bayesian network."""

    objectives = 2

    def make(self, space: SearchSpace, study_seed: int) -> Proposer:
        return quick_mobo(space, study_seed, proposals=13, acquisition=Acquisition.USEMO)


@pytest.mark.slow
class TestEhvi(ProposerContract):
    objectives = 2

    def make(self, space: SearchSpace, study_seed: int) -> Proposer:
        return quick_mobo(space, study_seed, proposals=13, acquisition=Acquisition.EHVI)


class TestPhases(ProposerContract):
    def make(self, space: SearchSpace, study_seed: int) -> Proposer:
        def begin_random(seed: int) -> Phase:
            return lambda prior: RandomSearch(space=space, study_seed=seed, fidelity=60, proposals=9)

        def begin_bohb(prior: tuple[PriorEvaluation, ...]) -> Proposer:
            options = ModelOptions(num_samples=4)
            return Bohb(
                space=space,
                study_seed=study_seed + 1,
                fidelities=(30, 60, 120),
                brackets=4,
                options=options,
                prior=prior,
            )

        return Phases([begin_random(study_seed), begin_bohb, begin_random(study_seed + 2)])
