from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nago_trainer.training.schedule import cosine_learning_rate


@given(st.floats(1e-6, 10), st.integers(1, 1000))
def test_from_the_first_rate_down_to_zero(first: float, steps: int) -> None:
    rates = [cosine_learning_rate(first, step, steps) for step in range(steps + 1)]
    assert rates[0] == first
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert all(later < earlier for earlier, later in pairwise(rates))


def test_half_way_down_half_way_through() -> None:
    assert cosine_learning_rate(0.2, 50, 100) == pytest.approx(0.1)
