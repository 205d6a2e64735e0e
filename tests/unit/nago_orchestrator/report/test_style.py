from __future__ import annotations

import pytest

from nago_orchestrator.domain.objectives import Goal
from nago_orchestrator.report.style import fidelity_colours, focus, padded


def test_fidelities_go_from_light_to_dark() -> None:
    colours = fidelity_colours([9, 3, 27, 3])
    assert list(colours) == [3, 9, 27]
    assert sorted(colours.values(), reverse=True) == list(colours.values())


def test_a_far_value_on_the_bad_side_is_left_out() -> None:
    usual = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97]
    span, left_out = focus([[*usual, 0.0]], Goal.MAXIMIZE)
    assert left_out == 1
    assert span is not None
    assert 0.8 < span[0] < 0.9
    assert focus([[*usual, 0.0]], Goal.MINIMIZE) == (None, 0)


def test_each_group_has_its_own_usual_range() -> None:
    low = [0.50 + 0.001 * index for index in range(10)]
    high = [0.95 + 0.001 * index for index in range(10)]
    assert focus([low, high], Goal.MAXIMIZE) == (None, 0)
    assert focus([low, [*high, 0.5]], Goal.MAXIMIZE)[1] == 1


def test_few_values_are_all_shown() -> None:
    assert focus([[0.9, 0.9, 0.9, 0.0]], Goal.MAXIMIZE) == (None, 0)


def test_among_equal_values_a_near_one_is_not_far() -> None:
    assert focus([[0.9] * 10 + [0.915]], Goal.MINIMIZE) == (None, 0)
    assert focus([[0.9] * 10 + [2.0]], Goal.MINIMIZE)[1] == 1


@pytest.mark.parametrize("value", [23792.0, -3.0, 1e-9, 0.0])
def test_a_single_value_has_room_on_both_sides(value: float) -> None:
    low, high = padded(value, value)
    assert high - value == pytest.approx(value - low)
    assert high - low >= 0.19 * abs(value)
    assert high > low
