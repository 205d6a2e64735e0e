from __future__ import annotations

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.search.proposers.hyperband import bracket_shape
from nago_orchestrator.search.proposers.mobohb.brackets import Brackets, Slot

LADDER = (1, 3, 9)


def take(brackets: Brackets, *, candidates: bool = True) -> Slot | None:
    slot = brackets.next_slot(lambda _: candidates)
    if slot is not None:
        brackets.take(slot)
    return slot


@pytest.mark.parametrize("in_flight", [1, 4, 30])
def test_every_bracket_gets_the_sizes_of_its_shape(in_flight: int) -> None:
    brackets, running, taken = Brackets(LADDER, 4), list[Slot](), list[Slot]()
    while not brackets.is_full:
        slot = take(brackets)
        if slot is not None:
            taken.append(slot)
            running.append(slot)
        if slot is None or len(running) == in_flight:
            brackets.report(running.pop(0))
    assert len(taken) == brackets.planned_runs
    assert take(brackets) is None
    for number in range(4):
        shape = bracket_shape(LADDER, number)
        found = [[slot.index for slot in taken if (slot.bracket, slot.rung) == (number, rung)] for rung in range(3)]
        assert [slots for slots in found if slots] == [list(range(size)) for size in shape.sizes]


def test_a_higher_slot_opens_as_soon_as_its_results_are_in_and_no_run_waits_for_it() -> None:
    brackets = Brackets(LADDER, 3)
    first = [take(brackets) for _ in range(9)]
    assert {slot and slot.rung for slot in first} == {0}
    for slot in first[:3]:
        assert slot is not None
        brackets.report(slot)
    promotion, other = take(brackets), take(brackets)
    assert promotion is not None
    assert other is not None
    assert (promotion.bracket, promotion.rung, promotion.fidelity, promotion.promoted_from) == (0, 1, 3, 1)
    assert (other.bracket, other.rung) == (1, 0)


def test_a_slot_that_nobody_can_be_promoted_to_waits_for_its_rung_and_then_takes_a_new_configuration() -> None:
    brackets = Brackets(LADDER, 1)
    running = [take(brackets) for _ in range(9)]
    for done, slot in enumerate(running, start=1):
        assert slot is not None
        brackets.report(slot)
        found = brackets.next_slot(lambda _: False)
        assert (found is None) == (done < 9)
    assert found is not None
    assert (found.rung, found.promoted_from) == (1, None)


def test_a_ladder_that_is_not_geometric_is_refused() -> None:
    with pytest.raises(SpecError, match="same integer multiple"):
        Brackets((1, 3, 8), 1)
