from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nago_orchestrator.executors.local.freest_device import freest_device

DEVICES = ("cuda:0", "cuda:1", "cuda:2")


@pytest.mark.parametrize(
    ("occupied", "freest"),
    [((), "cuda:0"), (("cuda:0",), "cuda:1"), (("cuda:1", "cuda:0"), "cuda:2"), ((*DEVICES, "cpu"), "cuda:0")],
)
def test_the_first_of_the_freest(occupied: tuple[str, ...], freest: str) -> None:
    assert freest_device(DEVICES, occupied) == freest


@given(some.lists(some.integers(0, 100), max_size=60), some.integers(1, 4))
def test_no_device_has_more_trials_than_its_share_whatever_ends_first(ends: list[int], each: int) -> None:
    running: list[str] = []
    for end in ends:
        if len(running) == each * len(DEVICES):
            running.pop(end % len(running))
        running.append(freest_device(DEVICES, running))
        assert max(Counter(running).values()) <= each
