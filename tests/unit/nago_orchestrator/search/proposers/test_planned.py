"""What is planned is what is proposed."""

from __future__ import annotations

from collections import Counter

import pytest

from nago_orchestrator.domain.proposals import Evaluation, Outcome, Proposal
from nago_orchestrator.search.factory import make_proposer
from nago_orchestrator.search.proposers.hyperband import bracket_shape
from nago_orchestrator.search.proposers.planned import planned_epochs, planned_proposals
from nago_orchestrator.spec import StudySpec
from tests.studies import RECIPE, small_spec

BOHB = "{algorithm: bohb, iterations: %d}"


def proposed(spec: StudySpec) -> dict[int, int]:
    """A search whose every proposal succeeds at once."""
    proposer, found = make_proposer(spec, RECIPE), Counter[int]()
    while isinstance(proposal := proposer.ask(), Proposal):
        number = found.total()
        found[proposal.fidelity] += 1
        values = {"accuracy": 1 / (number + 2)}
        proposer.tell(
            Evaluation(
                proposal=proposal.number,
                number=number,
                outcome=Outcome.OK,
                values=values,
                costs=(-values["accuracy"],),
                samples=1,
            )
        )
    return dict(found)


@pytest.mark.parametrize(
    "search",
    ["{algorithm: random, proposals: 5}", BOHB % 1, BOHB % 3, BOHB % 7],
)
def test_a_search_proposes_as_many_as_are_planned(search: str) -> None:
    spec = small_spec(search=search)
    assert planned_proposals(spec.search, spec.fidelities) == proposed(spec)


@pytest.mark.parametrize("fidelities", ["[3]", "[1, 3, 9, 27]"])
def test_ladders_of_all_lengths(fidelities: str) -> None:
    spec = small_spec(search=BOHB % 5, fidelities=fidelities)
    assert planned_proposals(spec.search, spec.fidelities) == proposed(spec)


def test_batches_are_planned_at_their_fidelity() -> None:
    spec = small_spec(search="{algorithm: mobo, evaluations: 24, batch: 8, fidelity: 2}")
    assert planned_proposals(spec.search, spec.fidelities) == {2: 24}


def test_phases_add_up() -> None:
    random, brackets = "{algorithm: random, proposals: 5}", BOHB % 3
    spec = small_spec(search=f"{{algorithm: phases, phases: [{random}, {brackets}]}}")
    expected = Counter({4: 5})
    expected.update(planned_proposals(small_spec(search=brackets).search, spec.fidelities))
    assert planned_proposals(spec.search, spec.fidelities) == dict(sorted(expected.items()))


def test_an_algorithm_without_a_plan_is_told_apart() -> None:
    with pytest.raises(NotImplementedError):
        planned_proposals(object(), (1,))


def test_every_algorithm_has_a_plan() -> None:
    from typing import get_args

    from nago_orchestrator.spec.search import SearchSection

    for section in get_args(get_args(SearchSection)[0]):
        assert planned_proposals.dispatch(section) is not planned_proposals.dispatch(object)


@pytest.mark.parametrize("algorithm", ["bohb", "mobohb"])
@pytest.mark.parametrize("iterations", [1, 2, 3, 7])
def test_a_promotion_that_continues_costs_its_further_epochs(algorithm: str, iterations: int) -> None:
    plain = small_spec(search=f"{{algorithm: {algorithm}, iterations: {iterations}}}")
    continued = small_spec(search=f"{{algorithm: {algorithm}, iterations: {iterations}, continue: true}}")
    counts = planned_proposals(plain.search, plain.fidelities)
    assert planned_epochs(plain.search, plain.fidelities) == sum(epochs * count for epochs, count in counts.items())
    shapes = [bracket_shape(plain.fidelities, number) for number in range(iterations)]
    spared = sum(
        below * size for shape in shapes for below, size in zip(shape.fidelities, shape.sizes[1:], strict=False)
    )
    assert planned_epochs(continued.search, plain.fidelities) == planned_epochs(plain.search, plain.fidelities) - spared
