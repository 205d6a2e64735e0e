from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.evaluation.front import front_indices, measure_front

ACCURACY = Objective(name="accuracy", goal=Goal.MAXIMIZE, reference=0.5)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE, reference=200.0)


def test_the_share_is_that_of_the_box_to_a_perfect_generator() -> None:
    measured = measure_front([[-0.75, 100.0]], (ACCURACY, MEMORY))
    assert measured is not None
    assert measured.hypervolume == pytest.approx(0.25 * 100)
    assert measured.share == pytest.approx(0.25)
    perfect = measure_front([[-1.0, 0.0]], (ACCURACY, MEMORY))
    assert perfect is not None
    assert perfect.share == 1.0


def test_an_empty_box_has_no_share() -> None:
    nothing_better = Objective(name="memory", goal=Goal.MINIMIZE, reference=0.0)
    measured = measure_front([[-0.75, 100.0]], (ACCURACY, nothing_better))
    assert measured is not None
    assert (measured.hypervolume, measured.share) == (0.0, None)


def test_a_reference_that_is_not_given_lies_a_tenth_of_the_value_beyond_a_single_point() -> None:
    measured = measure_front([[-0.75, 100.0]], (ACCURACY, Objective(name="memory", goal=Goal.MINIMIZE)))
    assert measured is not None
    assert measured.reference == pytest.approx((-0.5, 110.0))
    assert measured.given == (True, False)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=25))
def test_the_indices_are_those_of_what_nothing_dominates(points: list[tuple[int, int]]) -> None:
    chosen = front_indices(points)

    def dominated(point: tuple[int, int]) -> bool:
        return any(x <= point[0] and y <= point[1] and (x, y) != point for x, y in points)

    assert {points[index] for index in chosen} == {point for point in points if not dominated(point)}
    assert [points[index][0] for index in chosen] == sorted({points[index][0] for index in chosen})
