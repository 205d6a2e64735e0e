from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.surrogate.size_classes import pad_rows, size_class


@pytest.mark.parametrize(
    ("count", "size"), [(0, 32), (1, 32), (32, 32), (33, 64), (64, 64), (65, 128), (300, 512), (1000, 1024)]
)
def test_powers_of_two_from_32(count: int, size: int) -> None:
    assert size_class(count) == size


def test_rows_are_kept_and_followed_by_the_value() -> None:
    rows = np.arange(6.0).reshape(3, 2)
    padded = pad_rows(rows, 5, -1.0)
    assert padded[:3].tolist() == rows.tolist()
    assert padded[3:].tolist() == [[-1.0, -1.0]] * 2
    assert pad_rows(np.array([True]), 3, False).tolist() == [True, False, False]
