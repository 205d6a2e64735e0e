"""Errands: side by side, waited for once and not for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from nago_orchestrator.executors.kubernetes.api.background_requests import Errands
from tests.waiting import PATIENCE_SECONDS, until


@pytest.fixture
def errands() -> Iterator[Errands]:
    """They are not waited for long."""
    made = Errands(at_once=4, patience=0.05, name="test")
    yield made
    made.close()


@pytest.fixture
def patient() -> Iterator[Errands]:
    """What can be done is done on return, however slow the machine is."""
    made = Errands(at_once=4, patience=PATIENCE_SECONDS, name="test")
    yield made
    made.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    made = threading.Event()
    yield made
    made.set()


def fail() -> None:
    raise ValueError("this one fails")


def test_quick_ones_are_done_on_return(patient: Errands) -> None:
    done: list[int] = []
    patient.run({number: lambda number=number: done.append(number) for number in range(20)})  # type: ignore[misc]  # a default binds the loop's variable
    assert sorted(done) == list(range(20))
    assert not patient.has_news()


def test_a_late_one_goes_on_is_not_begun_again_and_makes_news(errands: Errands, gate: threading.Event) -> None:
    begun: list[str] = []

    def late() -> None:
        begun.append("late")
        gate.wait(PATIENCE_SECONDS)

    errands.run({"late": late})
    errands.run({"late": late, "other": lambda: begun.append("other")})
    assert errands.is_under_way("late")
    assert not errands.is_under_way("unknown")
    gate.set()
    until(errands.has_news)
    errands.finish(PATIENCE_SECONDS)
    assert sorted(begun) == ["late", "other"]
    errands.run({"late": late})
    errands.finish(PATIENCE_SECONDS)
    assert begun.count("late") == 2, "once it is done, it may be asked for again"


def test_while_one_is_late_nobody_is_waited_for(gate: threading.Event) -> None:
    errands = Errands(at_once=4, patience=1.0, name="test")
    errands.run({"late": lambda: gate.wait(PATIENCE_SECONDS)})
    began = time.monotonic()
    for number in range(20):
        errands.run({number: lambda: gate.wait(PATIENCE_SECONDS)})
    assert time.monotonic() - began < 15, "one that is late was waited for once"
    gate.set()
    errands.close()


def test_all_are_tried_and_an_error_is_raised(patient: Errands) -> None:
    done: list[str] = []
    with pytest.raises(ValueError, match="this one fails"):
        patient.run({"bad": fail, "good": lambda: done.append("good")})
    assert done == ["good"]
    patient.run({})


def test_an_error_that_comes_late_is_raised_at_the_next_call(errands: Errands, gate: threading.Event) -> None:
    def fail_late() -> None:
        gate.wait(PATIENCE_SECONDS)
        fail()

    errands.run({"bad": fail_late})
    gate.set()
    until(lambda: not errands.is_under_way("bad"))
    with pytest.raises(ValueError, match="this one fails"):
        errands.run({})
    errands.run({})


def test_finishing_waits_so_long_and_forgets_errors(errands: Errands, gate: threading.Event) -> None:
    def fail_late() -> None:
        gate.wait(PATIENCE_SECONDS)
        fail()

    errands.run({"bad": fail_late})
    errands.finish(0.01)
    assert errands.is_under_way("bad")
    gate.set()
    errands.finish(PATIENCE_SECONDS)
    errands.run({})
