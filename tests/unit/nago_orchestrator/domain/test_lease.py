"""The lease as a model: every state that three orchestrators, a server and its clock can reach is looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from nago_orchestrator.domain.lease import Lease, Wish, allows, is_held, released, renewed, requested

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""It always is: time passes by what is written in the row coming nearer."""
SECOND = timedelta(seconds=1)
TERM = 2 * SECOND
STEP = 5 * SECOND
"""Of a clock that is set; more than a term."""
PROCESSES = 3
CURRENT, STALE = 1, 0
"""Only whether a token is that of the row matters: after each step tokens are named anew, and the states are finite."""


@dataclass(frozen=True, slots=True)
class Process:
    token: int | None = None
    """What it believes to hold."""
    frozen: bool = False
    writing: bool = False
    """In a transaction that has shown its token: the row is locked."""


@dataclass(frozen=True, slots=True)
class World:
    row: Lease
    processes: tuple[Process, ...]


Step = tuple[str, World]
START = World(Lease(), (Process(),) * PROCESSES)


def wish(place: int) -> Wish:
    return Wish(holder=str(place), process=None, term=TERM)


def steps(world: World) -> Iterator[Step]:
    yield "a second passes", _later(world, SECOND)
    yield "the clock is set forward", _later(world, STEP)
    if world.row.expires_at is None or world.row.expires_at <= NOW + TERM:  # else it would go back without end
        yield "the clock is set back", _later(world, -STEP)
    for place, process in enumerate(world.processes):
        if process.frozen:
            yield f"{place} wakes", _with(world, place, replace(process, frozen=False))
            yield f"the server ends the transaction of {place}", _with(world, place, replace(process, writing=False))
            continue
        yield f"{place} freezes", _with(world, place, replace(process, frozen=True))
        yield f"{place} is killed and comes again", _with(world, place, Process())
        yield from _own_steps(world, place, process)


def _own_steps(world: World, place: int, process: Process) -> Iterator[Step]:
    """What the process does by itself."""
    if process.writing:
        assert process.token is not None
        assert allows(world.row, process.token), "a transaction ends under a token that is not the row's"
        yield f"{place} commits", _with(world, place, replace(process, writing=False))
        return
    if process.token is None:
        if not _is_locked(world):
            yield f"{place} asks", _asked(world, place)
        return
    renewal, release = renewed(world.row, process.token, NOW), released(world.row, process.token)
    if renewal is None or release is None:
        assert not allows(world.row, process.token)
        yield f"{place} is told that it was replaced", _with(world, place, Process())
        return
    yield f"{place} renews", replace(world, row=renewal)
    yield f"{place} begins to write", _with(world, place, replace(process, writing=True))
    yield f"{place} releases", _with(replace(world, row=release), place, Process())


def _asked(world: World, place: int) -> World:
    after = requested(world.row, wish(place), NOW)
    if after.token == world.row.token:
        return replace(world, row=after)
    assert after.token == world.row.token + 1
    return _with(replace(world, row=after), place, Process(token=after.token))


def _is_locked(world: World) -> bool:
    return any(process.writing for process in world.processes)


def _with(world: World, place: int, process: Process) -> World:
    before = world.processes
    return replace(world, processes=(*before[:place], process, *before[place + 1 :]))


def _later(world: World, by: timedelta) -> World:
    ends = world.row.expires_at
    return world if ends is None else replace(world, row=replace(world.row, expires_at=ends - by))


def _named_anew(world: World) -> World:
    """The same state in fewer names: long past is past, an older token is old."""
    row = world.row
    ends = None if row.expires_at is None else max(row.expires_at, NOW)
    processes = tuple(
        process if process.token is None else replace(process, token=CURRENT if process.token == row.token else STALE)
        for process in world.processes
    )
    return World(replace(row, token=CURRENT, expires_at=ends), processes)


@cache
def reachable() -> tuple[World, ...]:
    first = _named_anew(START)
    seen, ahead = {first}, deque([first])
    while ahead:
        for _, after in steps(ahead.popleft()):
            named = _named_anew(after)
            if named not in seen:
                seen.add(named)
                ahead.append(named)
    return tuple(seen)


def test_there_are_states_enough_to_mean_something() -> None:
    worlds = reachable()
    assert len(worlds) > 1000
    assert any(world.processes.count(Process(token=STALE)) == PROCESSES - 1 for world in worlds)
    assert any(world.row.expires_at and world.row.expires_at > NOW + TERM for world in worlds)


def test_never_do_two_write() -> None:
    for world in reachable():
        writing = [process for process in world.processes if process.writing]
        assert len(writing) <= 1, world
        assert all(process.token == world.row.token for process in writing), world


def test_never_do_two_hold_a_token_that_counts() -> None:
    for world in reachable():
        valid = [process for process in world.processes if process.token and allows(world.row, process.token)]
        assert len(valid) <= 1, world


@pytest.mark.parametrize("place", range(PROCESSES))
def test_whoever_asks_twice_a_term_apart_gets_it_when_all_others_are_silent(place: int) -> None:
    """They are frozen or cut off for good, in the midst of a write or not, and whatever was done to the clock."""
    for world in reachable():
        silent = tuple(replace(process, frozen=True, writing=False) for process in world.processes)
        asking = _with(replace(world, processes=silent), place, Process())
        asked = _asked(asking, place)
        again = _asked(_later(asked, TERM), place) if asked.processes[place].token is None else asked
        assert again.processes[place].token == again.row.token, world


def test_a_holder_that_renews_is_not_replaced() -> None:
    lease = requested(Lease(), wish(0), NOW)
    for second in range(10):
        now = NOW + second * SECOND
        assert requested(lease, wish(1), now).holder == "0"
        lease = renewed(lease, lease.token, now) or Lease()


def test_a_lease_that_ran_out_is_its_holders_until_another_asks() -> None:
    lease = requested(Lease(), wish(0), NOW)
    late = NOW + 10 * TERM
    assert not is_held(lease, late)
    back = renewed(lease, lease.token, late)
    assert back is not None
    assert is_held(back, late)


def test_a_holder_that_is_gone_for_certain_is_replaced_at_once() -> None:
    lease = requested(Lease(), Wish(holder="0", process=None, term=None), NOW)
    assert requested(lease, wish(1), NOW + 100 * TERM) == lease
    assert requested(lease, wish(1), NOW, holder_is_gone=True).holder == "1"
