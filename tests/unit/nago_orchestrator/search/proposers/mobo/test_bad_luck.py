"""Histories that a study cannot rule out: they teach a model next to nothing, and the search must go on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, Proposal, Theta
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.acquisition.batch import Acquisition
from nago_orchestrator.search.proposers.mobo.proposer import Mobo
from nago_trainer.architecture import canonical
from tests.quick_mobo import quick_mobo

pytestmark = pytest.mark.slow  # each test fits a surrogate

HUGE, INF, NAN = 1e30, float("inf"), float("nan")
COSTS = {
    "different": [(float(number), float(-number % 3)) for number in range(6)],
    "equal": [(0.5, 0.5)] * 6,
    "mostly diverged": [(0.1, 3.0), (0.2, 2.0), (0.3, HUGE), (INF, HUGE), (NAN, 1.0), (-INF, HUGE)],
    "none finite": [(NAN, INF)] * 6,
}


def told(space: SearchSpace, thetas: Sequence[Theta], costs: Sequence[tuple[float, ...]], by: Acquisition) -> Mobo:
    """A search whose initial design was stored as these thetas, and evaluated."""
    mobo = quick_mobo(space, 3, proposals=10, acquisition=by)
    for number, (theta, own) in enumerate(zip(thetas, costs, strict=True)):
        mobo.record(Proposal(number=number, theta=theta, fidelity=60, origin=Origin.RANDOM, evaluations_before=number))
        mobo.tell(Evaluation(proposal=number, number=number, outcome=Outcome.OK, values={}, costs=own, samples=1))
    return mobo


def assert_goes_on(mobo: Mobo, space: SearchSpace, known: Sequence[Theta]) -> None:
    """With a batch of generators that are new, each of them once."""
    found = [mobo.ask() for _ in range(4)]
    thetas = [proposal.theta for proposal in found if isinstance(proposal, Proposal)]
    assert [space.theta(theta) for theta in thetas] == thetas
    forms = {tuple(canonical(theta).values()) for theta in thetas}
    assert len(forms) == 4
    assert not forms & {tuple(canonical(theta).values()) for theta in known}


@pytest.mark.parametrize("acquisition", Acquisition)
@pytest.mark.parametrize("name", COSTS)
def test_one_theta_told_again_and_again(small_space: SearchSpace, name: str, acquisition: Acquisition) -> None:
    thetas = [small_space.sample(np.random.default_rng(0))] * 6
    assert_goes_on(told(small_space, thetas, COSTS[name], acquisition), small_space, thetas)


@pytest.mark.parametrize("acquisition", Acquisition)
@pytest.mark.parametrize("name", COSTS)
def test_costs_that_say_little(small_space: SearchSpace, name: str, acquisition: Acquisition) -> None:
    thetas = [small_space.sample(np.random.default_rng(number)) for number in range(6)]
    assert_goes_on(told(small_space, thetas, COSTS[name], acquisition), small_space, thetas)
