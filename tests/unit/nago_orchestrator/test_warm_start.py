"""A study begins from what another one found in the same space, or is told in one sentence why it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nago_orchestrator.domain import Evaluation, Goal, Objective, Origin, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.errors import SpecError
from nago_orchestrator.space import SearchSpace
from nago_orchestrator.warm_start import SourceStudy, prior_evaluations

ACCURACY = Objective(name="accuracy", goal=Goal.MAXIMIZE)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE)


def proposal(number: int, fidelity: int, *, final: bool = False) -> Proposal:
    theta = {"top_nodes": 3 + number}
    return Proposal(
        number=number, theta=theta, fidelity=fidelity, origin=Origin.RANDOM, told_before=number, final=final
    )


def evaluation(number: int, outcome: Outcome = Outcome.OK) -> Evaluation:
    values = {"accuracy": number / 10, "memory": 1000.0 + number} if outcome is Outcome.OK else {}
    return Evaluation(
        proposal=number, number=number, outcome=outcome, values=values, costs=tuple(values.values()), samples=2
    )


def source(space: SearchSpace) -> SourceStudy:
    return SourceStudy(
        name="before",
        space=space,
        proposals=[proposal(0, 30), proposal(1, 60), proposal(2, 60), proposal(3, 60), proposal(4, 600, final=True)],
        evaluations=[
            evaluation(0),
            evaluation(1),
            evaluation(2, Outcome.INFEASIBLE),
            evaluation(3, Outcome.LOST),
            evaluation(4),
        ],
    )


def test_what_was_measured_is_given_in_the_order_of_the_new_objectives(small_space: SearchSpace) -> None:
    found = prior_evaluations(source(small_space), small_space, (MEMORY, ACCURACY), (60, 600))
    assert found == (
        PriorEvaluation(theta={"top_nodes": 4}, fidelity=60, outcome=Outcome.OK, costs=(1001.0, -0.1), samples=2),
        PriorEvaluation(theta={"top_nodes": 5}, fidelity=60, outcome=Outcome.INFEASIBLE, costs=(), samples=2),
    )


def test_another_space_is_refused_and_the_difference_named(small_space: SearchSpace) -> None:
    other = replace(small_space, fixed={**small_space.fixed, "mid_nodes": 7})
    with pytest.raises(SpecError, match=r"'before' searched another space \(in mid_nodes\)"):
        prior_evaluations(source(other), small_space, (ACCURACY,), (60,))
    with pytest.raises(SpecError, match="another space"):
        prior_evaluations(source(replace(small_space, connected=True)), small_space, (ACCURACY,), (60,))


def test_a_fidelity_without_data_is_named(small_space: SearchSpace) -> None:
    with pytest.raises(SpecError, match=r"no evaluation at this study's fidelities, 120, 600 \(its own: 30, 60"):
        prior_evaluations(source(small_space), small_space, (ACCURACY,), (120, 600))


def test_an_objective_that_was_not_measured_is_named(small_space: SearchSpace) -> None:
    with pytest.raises(SpecError, match="did not measure seconds"):
        prior_evaluations(source(small_space), small_space, (Objective(name="seconds", goal=Goal.MINIMIZE),), (60,))
