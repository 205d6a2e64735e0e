"""Background requests: side by side, waited for once and only briefly."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from nago_orchestrator.executors.kubernetes.api.background_requests import BackgroundRequests
from tests.waiting import PATIENCE_SECONDS, until


@pytest.fixture
def requests() -> Iterator[BackgroundRequests]:
    """They are not waited for long."""
    made = BackgroundRequests(at_once=4, wait_seconds=0.05, name="test")
    yield made
    made.close()


@pytest.fixture
def patient() -> Iterator[BackgroundRequests]:
    """What can be done is done on return, however slow the machine is."""
    made = BackgroundRequests(at_once=4, wait_seconds=PATIENCE_SECONDS, name="test")
    yield made
    made.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    made = threading.Event()
    yield made
    made.set()


def fail() -> None:
    raise ValueError("this one fails")


def test_quick_ones_are_done_on_return(patient: BackgroundRequests) -> None:
    done: list[int] = []
    patient.run({number: lambda number=number: done.append(number) for number in range(20)})  # type: ignore[misc]  # a default binds the loop's variable
    assert sorted(done) == list(range(20))
    assert not patient.has_news()


def test_a_late_one_goes_on_is_not_begun_again_and_makes_news(
    requests: BackgroundRequests, gate: threading.Event
) -> None:
    begun: list[str] = []

    def late() -> None:
        begun.append("late")
        gate.wait(PATIENCE_SECONDS)

    requests.run({"late": late})
    requests.run({"late": late, "other": lambda: begun.append("other")})
    assert requests.is_under_way("late")
    assert not requests.is_under_way("unknown")
    gate.set()
    until(requests.has_news)
    requests.finish(PATIENCE_SECONDS)
    assert sorted(begun) == ["late", "other"]
    requests.run({"late": late})
    requests.finish(PATIENCE_SECONDS)
    assert begun.count("late") == 2, "once it is done, it may be asked for again"


def test_while_one_is_late_nobody_is_waited_for(gate: threading.Event) -> None:
    waited: list[float] = []
    requests = BackgroundRequests(
        at_once=4, wait_seconds=1.0, name="test", wait=lambda fs, timeout: waited.append(timeout)
    )
    requests.run({"late": lambda: gate.wait(PATIENCE_SECONDS)})
    for number in range(20):
        requests.run({number: lambda: gate.wait(PATIENCE_SECONDS)})
    assert waited == [1.0, *[0] * 20], "one that is late was waited for once"
    gate.set()
    requests.close()


def test_all_are_tried_and_an_error_is_raised(patient: BackgroundRequests) -> None:
    done: list[str] = []
    with pytest.raises(ValueError, match="this one fails"):
        patient.run({"bad": fail, "good": lambda: done.append("good")})
    assert done == ["good"]
    patient.run({})


def test_an_error_that_comes_late_is_raised_at_the_next_call(
    requests: BackgroundRequests, gate: threading.Event
) -> None:
    def fail_late() -> None:
        gate.wait(PATIENCE_SECONDS)
        fail()

    requests.run({"bad": fail_late})
    gate.set()
    until(lambda: not requests.is_under_way("bad"))
    with pytest.raises(ValueError, match="this one fails"):
        requests.run({})
    requests.run({})


def test_finishing_waits_so_long_and_forgets_errors(requests: BackgroundRequests, gate: threading.Event) -> None:
    def fail_late() -> None:
        gate.wait(PATIENCE_SECONDS)
        fail()

    requests.run({"bad": fail_late})
    requests.finish(0.01)
    assert requests.is_under_way("bad")
    gate.set()
    requests.finish(PATIENCE_SECONDS)
    requests.run({})
