from __future__ import annotations

import pytest

from nago_orchestrator.evaluation.thinning import evenly


@pytest.mark.parametrize("most", [1, 2, 7, 100])
def test_thinning_keeps_order_and_ends(most: int) -> None:
    rows = list(range(50))
    chosen = evenly(rows, most)
    assert len(chosen) == min(most, 50)
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0
    assert chosen[-1] == (0 if most == 1 else 49)
