from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from nago_orchestrator.report.statistics import FEWEST, spearman, spearman_interval

VALUES = st.lists(st.integers(-3, 3).map(float), min_size=FEWEST, max_size=30)


@given(st.data())
def test_equal_values_share_the_mean_of_their_ranks(data: st.DataObject) -> None:
    """Pearson's correlation of the ranks; none where one side is constant."""
    first = data.draw(VALUES)
    second = data.draw(st.lists(st.integers(-3, 3).map(float), min_size=len(first), max_size=len(first)))
    found = spearman(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(np.corrcoef(ranks(first), ranks(second))[0, 1])


def ranks(values: list[float]) -> list[float]:
    return [sum(other < own for other in values) + (values.count(own) + 1) / 2 for own in values]


def test_few_pairs_have_no_correlation() -> None:
    assert spearman([1, 2, 3, 4], [1, 2, 3, 4]) is None


def test_the_interval_contains_the_estimate_and_narrows() -> None:
    wide, narrow = spearman_interval(0.6, 20), spearman_interval(0.6, 2000)
    assert wide is not None
    assert narrow is not None
    assert wide[0] < narrow[0] < 0.6 < narrow[1] < wide[1]
    assert spearman_interval(0.6, 9) is None


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    truth = 6 / np.pi * np.arcsin(0.5 / 2)  # Spearman's of a normal pair with correlation 0.5
    hits = 0
    for _ in range(300):
        first = rng.normal(size=60)
        second = 0.5 * first + np.sqrt(0.75) * rng.normal(size=60)
        interval = spearman_interval(spearmanr(first, second).statistic, 60)
        assert interval is not None
        hits += interval[0] <= truth <= interval[1]
    assert 0.91 <= hits / 300 <= 0.99
