"""A plan is a value of its seed and the round's number alone."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from tests.chaos.course import Applied
from tests.chaos.disturbers.table import DISTURBERS
from tests.chaos.journal import begin, go_on
from tests.chaos.plan import KINDS, Ground, Kind, plan_round
from tests.chaos.rounds import Ended

ROUNDS = 24


def test_a_round_is_the_same_whatever_was_planned_before() -> None:
    later = [plan_round(7, number) for number in range(ROUNDS)][-1]
    assert plan_round(7, ROUNDS - 1) == later
    assert plan_round(8, ROUNDS - 1) != later


def test_rounds_differ_and_meet_everything_that_there_is() -> None:
    rounds = [plan_round(7, number) for number in range(ROUNDS)]
    assert len({planned.disturbances for planned in rounds}) == ROUNDS
    for ground in (Ground.SQLITE, Ground.POSTGRESQL):
        disturbances = chain.from_iterable(planned.disturbances for planned in rounds if planned.ground is ground)
        assert {one.kind for one in disturbances} == set(KINDS[ground])
    assert set(DISTURBERS) == {*KINDS[Ground.SQLITE], *KINDS[Ground.POSTGRESQL]}


def test_a_journal_goes_on_after_the_last_round_that_ended(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = begin(path, 7)
    assert (journal.next_round, journal.disturbances) == (0, 0)
    applied = Applied(kind=Kind.KILL_ALL, target="3 processes", after_seconds=1.5)
    journal.note(Ended(number=0, applied=(applied, applied), seconds=9.0, faults=("one",)))
    again = go_on(path)
    assert again == journal
    assert (again.seed, again.next_round, again.disturbances) == (7, 1, 2)
    with pytest.raises(FileExistsError):
        begin(path, 8)
