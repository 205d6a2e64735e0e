"""Every preset goes through the searches: ConfigSpace takes its dimensions, models are fitted, architectures drawn."""

from __future__ import annotations

import pytest

from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, Proposal
from nago_orchestrator.search.proposers.bohb.proposer import Bohb
from nago_orchestrator.search.proposers.bohb.sampler import configuration_space
from nago_orchestrator.search.proposers.bohb.settings import ModelOptions
from nago_orchestrator.search.proposers.port import Pause, Proposer
from nago_orchestrator.search.proposers.random.proposer import RandomSearch
from nago_orchestrator.search.proposers.replay import rebuild
from nago_orchestrator.spec.presets import PRESETS
from nago_orchestrator.spec.space_section import preset_space
from nago_trainer.architecture import canonical, read_theta, sample_architecture

SEARCHABLE = [name for name in PRESETS if name != "rnag-d"]


def run(proposer: Proposer, steps: int) -> tuple[list[Proposal], list[Evaluation]]:
    """One at a time; a generator is the better the fewer and smaller its numbers are."""
    proposals, evaluations = list[Proposal](), list[Evaluation]()
    for number in range(steps):
        proposal = proposer.ask()
        assert isinstance(proposal, Proposal)
        cost = sum(canonical(proposal.theta).values())
        told = Evaluation(
            proposal=proposal.number, number=number, outcome=Outcome.OK, values={}, costs=(cost,), samples=1
        )
        proposer.tell(told)
        proposals.append(proposal)
        evaluations.append(told)
    return proposals, evaluations


def bohb(preset: str) -> Bohb:
    options = ModelOptions(num_samples=4, random_fraction=0.2)
    return Bohb(space=preset_space(preset), study_seed=1, fidelities=(1, 2), brackets=60, options=options)


@pytest.mark.slow
@pytest.mark.parametrize("preset", SEARCHABLE)
def test_bohb_models_every_dimension_of_a_preset(preset: str) -> None:
    space = preset_space(preset)
    assert set(configuration_space(space.dimensions)) == {dimension.name for dimension in space.dimensions}
    proposals, _ = run(bohb(preset), 70)
    assert Origin.MODEL in {proposal.origin for proposal in proposals}
    for proposal in proposals:
        assert space.theta(proposal.theta) == proposal.theta
        read_theta(proposal.theta)


@pytest.mark.slow
def test_a_search_over_three_graphs_is_rebuilt_from_its_history() -> None:
    living, rebuilt = bohb("rnag"), bohb("rnag")
    rebuild(rebuilt, *run(living, 40))
    assert rebuilt.facts() == living.facts()
    assert rebuilt.ask() == living.ask()


def test_a_space_with_nothing_to_search_is_drawn_from_again_and_again() -> None:
    proposals, _ = run(search := RandomSearch(space=preset_space("rnag-d"), study_seed=0, fidelity=1, proposals=3), 3)
    assert search.ask() is Pause.EXHAUSTED
    assert len({tuple(proposal.theta.items()) for proposal in proposals}) == 1
    architectures = {sample_architecture(read_theta(item.theta), item.number).digest() for item in proposals}
    assert len(architectures) == 3
