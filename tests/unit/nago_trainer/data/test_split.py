from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from nago_trainer.data.split import stratified_split
from nago_trainer.errors import DataError

class_sizes = st.lists(st.integers(2, 30), min_size=1, max_size=6)
fractions = st.floats(0.01, 0.99)


def _labels(sizes: list[int], seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


@given(class_sizes, fractions, st.integers(0, 2**32))
def test_every_image_is_on_one_side(sizes: list[int], fraction: float, seed: int) -> None:
    training, validation = stratified_split(_labels(sizes, 0), fraction, seed)
    assert sorted([*training, *validation]) == list(range(sum(sizes)))


@given(class_sizes, fractions, st.integers(0, 2**32))
def test_every_class_gives_its_share_to_both_sides(sizes: list[int], fraction: float, seed: int) -> None:
    labels = _labels(sizes, 0)
    training, validation = stratified_split(labels, fraction, seed)
    for label, size in enumerate(sizes):
        given_away = int((labels[validation] == label).sum())
        assert 1 <= given_away <= size - 1
        assert abs(given_away - size * fraction) <= 1
    assert set(labels[training]) == set(range(len(sizes)))


def test_the_seed_alone_decides() -> None:
    labels = _labels([20, 20], 0)
    first, again = (stratified_split(labels, 0.3, 5)[1] for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, stratified_split(labels, 0.3, 6)[1])


def test_a_class_with_a_single_image_is_refused() -> None:
    with pytest.raises(DataError, match="class number 1 has a single image"):
        stratified_split(np.array([0, 0, 1]), 0.5, 0)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=60),
    fractions,
    st.integers(1, 2),
    st.integers(0, 2**32),
)
def test_groups_are_on_one_side_and_every_class_on_both(
    images: list[tuple[int, int]], fraction: float, left: int, seed: int
) -> None:
    labels, groups = (np.array(each, dtype=np.int64) for each in zip(*images, strict=True))
    try:
        rest, taken = stratified_split(labels, fraction, seed, groups=groups, left=left)
    except DataError as error:
        event(str(error))
        return
    assert sorted([*rest, *taken]) == list(range(len(images)))
    assert not set(groups[rest]) & set(groups[taken])
    for label in set(labels):
        assert label in labels[taken]
        assert len(set(groups[rest][labels[rest] == label])) >= left


def test_shares_of_groups_are_near_what_is_wanted() -> None:
    generator = np.random.default_rng(1)
    labels, groups = generator.integers(0, 5, 2000), generator.integers(0, 200, 2000)
    taken = stratified_split(labels, 0.2, 3, groups=groups)[1]
    assert np.bincount(labels[taken]) / np.bincount(labels) == pytest.approx(0.2, abs=0.05)
