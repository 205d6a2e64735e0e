from __future__ import annotations

import itertools

import numpy as np
import pytest

from nago_orchestrator.search.proposers.mobohb.density import Density

PARTS = np.array([4.0, 0.0])
"""Four values of the first dimension; the second is real."""


def cloud(count: int, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    points = np.random.default_rng(seed).random((count, 2))
    points[:, 0] = (np.floor(points[:, 0] * 4) + 0.5) / 4
    return points


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_it_is_a_density(count: int) -> None:
    grid = (np.arange(2_000) + 0.5) / 2_000
    places = np.array(list(itertools.product([0.125, 0.375, 0.625, 0.875], grid)))
    density = Density(cloud(count), PARTS, 0.03)
    assert np.exp(density.log(places)).sum() / len(grid) == pytest.approx(1.0, abs=1e-3)


def test_draws_follow_the_density() -> None:
    density = Density(cloud(12), PARTS, 0.05)
    places = density.draw(np.random.default_rng(1), 40_000, widening=1.0)
    assert ((places >= 0) & (places <= 1)).all()
    found, _, _ = np.histogram2d(places[:, 0], places[:, 1], bins=(4, 10), range=[[0, 1], [0, 1]])
    grid = (np.arange(1_000) + 0.5) / 1_000
    cells = np.array(list(itertools.product([0.125, 0.375, 0.625, 0.875], grid)))
    expected = np.exp(density.log(cells)).reshape(4, 10, 100).mean(axis=2) / 10
    # A whole dimension's kernel is centred in its part, so that the drawn part has the probability of the density.
    np.testing.assert_allclose(found / len(places), expected, atol=0.01)


def test_narrow_kernels_far_from_each_other_leave_the_uniform_part() -> None:
    density = Density(np.full((5, 2), 0.125), PARTS, 0.03)
    far = density.log(np.array([[0.875, 0.99]]))[0]
    assert np.exp(far) == pytest.approx(1 / 6 / 4, rel=1e-3)


def test_the_neighbours_of_a_whole_value_stay_likely() -> None:
    density = Density(np.array([[0.375, 0.5]] * 3), PARTS, 0.001)
    own, beside = density.log(np.array([[0.375, 0.5], [0.625, 0.5]]))
    assert 0.1 < np.exp(beside - own) < 0.5


def test_a_wider_kernel_draws_farther_away() -> None:
    density = Density(np.full((50, 2), 0.5), np.zeros(2), 0.03)
    spreads = [density.draw(np.random.default_rng(0), 2_000, widening).std() for widening in (1.0, 3.0)]
    assert spreads[1] > 1.2 * spreads[0]
