from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.evaluation.front import measure_front
from nago_orchestrator.evaluation.generator_results import merge_generators
from nago_orchestrator.report.figures.hypervolume_history import Growth, generator_costs, is_compared
from tests.rows import evaluation_row

OBJECTIVES = (
    Objective(name="error", goal=Goal.MINIMIZE, reference=1.0),
    Objective(name="accuracy", goal=Goal.MAXIMIZE, reference=0.0),
)


def row(generator: int, error: float, accuracy: float, samples: int = 1) -> EvaluationRow:
    return evaluation_row(generator, samples=samples, objective_values={"error": error, "accuracy": accuracy})


UNIT = st.floats(0, 1.2)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 4), UNIT, UNIT, st.integers(1, 3)), min_size=1, max_size=12))
def test_in_the_end_it_is_the_hypervolume_of_the_generators(told: list[tuple[int, float, float, int]]) -> None:
    rows = [row(*one) for one in told]
    growth = Growth(OBJECTIVES, (1.0, 0.0))
    reached = [growth.tell(one) for one in rows][-1]
    costs = [one.costs for one in merge_generators(rows, OBJECTIVES, 4)]
    measured = measure_front(costs, OBJECTIVES)
    assert measured is not None
    assert reached == pytest.approx(measured.hypervolume, abs=1e-12)


def test_a_generator_with_a_network_that_diverged_has_no_costs() -> None:
    assert generator_costs([row(0, 0.5, 0.5, 3), row(0, 0.1, 0.9)], OBJECTIVES) == pytest.approx([0.4, -0.6])
    assert generator_costs([row(0, 0.5, 0.5), row(0, float("nan"), 0.5)], OBJECTIVES) is None


def test_only_what_is_ok_at_the_fidelity_is_compared() -> None:
    assert is_compared(row(0, 0.5, 0.5), 4)
    assert not is_compared(row(0, 0.5, 0.5), 8)
    assert not is_compared(replace(row(0, 0.5, 0.5), outcome=Outcome.INFEASIBLE), 4)
