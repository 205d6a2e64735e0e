from __future__ import annotations

import itertools
import math
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nago_orchestrator.evaluation import pareto

NAN, INF = math.nan, math.inf
REFERENCE = (10.0, 10.0)

numbers = st.integers(0, 6).map(float) | st.sampled_from([NAN, INF, -INF])
tables = st.integers(1, 4).flatmap(
    lambda objectives: st.lists(
        st.lists(
            st.integers(0, 6).map(float) | st.sampled_from([NAN, INF, -INF]), min_size=objectives, max_size=objectives
        ),
        min_size=1,
        max_size=12,
    )
)


def dominates(one: list[float], other: list[float]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def front(points: list[list[float]]) -> list[bool]:
    """By the definition."""
    finite = [all(map(math.isfinite, point)) for point in points]
    good = [point for point, usable in zip(points, finite, strict=True) if usable]
    return [
        usable and not any(dominates(other, point) for other in good)
        for point, usable in zip(points, finite, strict=True)
    ]


@given(tables)
def test_the_front_is_what_nothing_dominates(points: list[list[float]]) -> None:
    assert pareto.non_dominated(points).tolist() == front(points)


@given(tables)
def test_each_rank_is_the_front_of_what_the_ranks_before_leave(points: list[list[float]]) -> None:
    ranks = pareto.ranks(points)
    for rank in range(ranks.max() + 1):
        left = [point for point, own in zip(points, ranks, strict=True) if own >= rank]
        chosen = [own == rank for own in ranks if own >= rank]
        unusable = not any(front(left))
        assert all(chosen) if unusable else chosen == front(left)


@given(tables)
def test_the_hypervolume_counts_the_cells_that_a_point_covers(points: list[list[float]]) -> None:
    edge, objectives = 5, len(points[0])
    cells = itertools.product(range(edge), repeat=objectives)
    good = [point for point in points if all(map(math.isfinite, point))]
    covered = [any(all(map(operator.le, point, cell)) for point in good) for cell in cells]
    assert pareto.hypervolume(points, [edge] * objectives) == sum(covered)


@given(tables)
def test_a_contribution_is_what_the_hypervolume_of_the_front_loses_with_the_point(points: list[list[float]]) -> None:
    reference = [5.0] * len(points[0])
    on_front = front(points)
    chosen = [point for point, own in zip(points, on_front, strict=True) if own]
    found = pareto.contributions(points, reference)
    expected = iter(
        pareto.hypervolume(chosen, reference) - (pareto.hypervolume(rest, reference) if rest else 0.0)
        for rest in (chosen[:place] + chosen[place + 1 :] for place in range(len(chosen)))
    )
    assert found.tolist() == [next(expected) if own else 0.0 for own in on_front]


def test_without_points_there_is_no_front_and_no_hypervolume() -> None:
    nothing = np.empty((0, 2))
    assert pareto.non_dominated(nothing).shape == pareto.ranks(nothing).shape == (0,)
    assert pareto.contributions(nothing, REFERENCE).shape == (0,)
    assert pareto.hypervolume(nothing, REFERENCE) == 0.0
    assert pareto.hypervolume([[NAN, 1.0], [1.0, -INF]], REFERENCE) == 0.0


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_scale_of_an_objective_changes_nothing_but_the_unit(scale: float) -> None:
    costs = np.random.default_rng(0).random((50, 2))
    scaled = costs * [scale, 1.0]
    assert (pareto.ranks(scaled) == pareto.ranks(costs)).all()
    assert pareto.hypervolume(scaled, [scale, 1.0]) == pytest.approx(scale * pareto.hypervolume(costs, [1.0, 1.0]))


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([[0, 10], [10, 0]], [11, 11]),
        ([[0, 10], [10, 0], [10, 1000]], [11, 11]),
        ([[0, 10], [10, 0], [NAN, -5], [-INF, 3]], [11, 11]),
        ([[2, 4], [4, 6]], [2.2, 4.2]),
        ([[2, 4], [2, 6]], [2.2, 4.2]),
        ([[2, 0]], [2.2, 0.1]),
        ([[-5, 3], [-5, 3]], [-4.5, 3.3]),
    ],
)
def test_the_default_reference_lies_a_tenth_beyond_the_front(costs: list[list[float]], expected: list[float]) -> None:
    reference = pareto.default_reference(costs)
    assert reference.tolist() == pytest.approx(expected)
    assert pareto.hypervolume(costs, reference) > 0


@given(tables)
def test_every_point_of_the_front_beats_the_default_reference(points: list[list[float]]) -> None:
    on_front = pareto.non_dominated(points)
    if on_front.any():
        assert (np.array(points)[on_front] < pareto.default_reference(points)).all()


def test_no_default_reference_without_finite_costs() -> None:
    with pytest.raises(ValueError, match="finite"):
        pareto.default_reference([[NAN, 1.0]])


@pytest.mark.parametrize("reference", [[1.0], [1.0, NAN], [1.0, INF], [1.0, 1.0, 1.0]])
def test_a_reference_of_another_shape_or_without_end_is_refused(reference: list[float]) -> None:
    with pytest.raises(ValueError, match="reference point"):
        pareto.hypervolume([[0.0, 0.0]], reference)


@pytest.mark.parametrize("costs", [[1.0, 2.0], [[]], [[[1.0]]]])
def test_costs_of_another_shape_are_refused(costs: list[object]) -> None:
    with pytest.raises(ValueError, match="shape"):
        pareto.ranks(costs)  # type: ignore[arg-type]  # what must be refused
