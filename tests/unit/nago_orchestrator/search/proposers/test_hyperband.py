from __future__ import annotations

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.search.proposers.hyperband import bracket_shape, check_fidelities


@pytest.mark.parametrize(
    ("fidelities", "bracket", "rungs", "sizes"),
    [
        ((30, 60, 120), 0, (30, 60, 120), (4, 2, 1)),
        ((30, 60, 120), 1, (60, 120), (2, 1)),
        ((30, 60, 120), 2, (120,), (3,)),
        ((30, 60, 120), 3, (30, 60, 120), (4, 2, 1)),
        ((1, 3, 9, 27), 0, (1, 3, 9, 27), (27, 9, 3, 1)),
        ((1, 3, 9, 27), 3, (27,), (4,)),
        ((7,), 5, (7,), (1,)),
    ],
)
def test_brackets_have_hyperbands_shape(
    fidelities: tuple[int, ...], bracket: int, rungs: tuple[int, ...], sizes: tuple[int, ...]
) -> None:
    shape = bracket_shape(fidelities, bracket)
    assert (shape.fidelities, shape.sizes) == (rungs, sizes)


def test_no_rung_is_lost_where_hpbandster_rounds_one_away() -> None:
    assert bracket_shape((1, 3, 9, 27, 81, 243), 0).fidelities == (1, 3, 9, 27, 81, 243)


@pytest.mark.parametrize("fidelities", [(30, 60, 120), (1, 3, 9, 27), (5,), (2, 20)])
def test_geometric_ladders_are_accepted(fidelities: tuple[int, ...]) -> None:
    check_fidelities(fidelities)
    assert bracket_shape(fidelities, 0).fidelities == fidelities


@pytest.mark.parametrize("fidelities", [(), (0, 2), (30, 60, 100), (30, 30), (60, 30), (2, 3), (-1,)])
def test_other_ladders_are_refused(fidelities: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match="fidelity"):
        check_fidelities(fidelities)
