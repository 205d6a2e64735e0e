from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.evaluation.pareto import hypervolume
from nago_orchestrator.search.acquisition.boxes import free_boxes, improvements


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("size", [0, 1, 3, 11])
def test_improvements_are_differences_of_hypervolumes(objectives: int, ties: bool, size: int) -> None:
    rng = np.random.default_rng(size)
    front, points = rng.random((size, objectives)), rng.random((20, objectives))
    if ties:
        front, points = np.round(front * 4) / 4, np.round(points * 4) / 4
    reference = np.full(objectives, 0.9)
    before = hypervolume(front, reference) if size else 0.0
    expected = [hypervolume(np.vstack([front, point]), reference) - before for point in points]
    np.testing.assert_allclose(improvements(points, *free_boxes(front, reference)), expected, atol=1e-12)


def test_three_objectives_need_few_boxes() -> None:
    normal = np.random.default_rng(0).normal(size=(100, 3))
    front = -np.abs(normal / np.linalg.norm(normal, axis=1)[:, None])
    assert len(free_boxes(front, np.zeros(3))[0]) <= 2 * len(front) + 1
