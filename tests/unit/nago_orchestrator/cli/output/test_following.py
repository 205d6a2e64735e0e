from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from typing import Any

import pytest

from nago_orchestrator.cli.output.event_line import event_line
from nago_orchestrator.cli.output.following import obeying_signals
from nago_orchestrator.cli.output.live import Progress
from nago_orchestrator.control_loop.events import Event, EventKind
from nago_orchestrator.control_loop.session import StopSignal

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


def event(kind: EventKind, **facts: Any) -> Event:
    return Event(kind=kind, at=NOW, message=f"trial {facts.get('trial')} {kind}", **facts)


def test_the_first_interrupt_asks_and_the_second_stops_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    stop = StopSignal()
    with obeying_signals(stop):
        os.kill(os.getpid(), signal.SIGINT)
        assert (stop.requested, stop.aborted) == (True, False)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.aborted
    assert "stopping when the running trials have finished" in capfd.readouterr().err


def test_a_third_interrupt_ends_the_program() -> None:
    stop = StopSignal()
    stop.abort()
    with obeying_signals(stop), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_termination_stops_at_once() -> None:
    stop = StopSignal()
    with obeying_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.aborted


def test_signals_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with obeying_signals(StopSignal()):
        pass
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_an_event_is_one_line() -> None:
    line = event_line(event(EventKind.SUCCEEDED, trial=3))
    assert line.endswith("succeeded   trial 3 succeeded")
    assert "\n" not in line


def test_the_live_headline_counts_and_keeps_the_best() -> None:
    progress = Progress("digits", NOW)
    for happened in (
        event(EventKind.STARTED, trial=0),
        event(EventKind.STARTED, trial=1),
        event(EventKind.STARTED, trial=2),
        event(EventKind.SUCCEEDED, trial=0, accuracy=0.9),
        event(EventKind.RETRIED, trial=1),
        event(EventKind.SUCCEEDED, trial=7, accuracy=0.8),
        event(EventKind.INFEASIBLE),
    ):
        progress.add(happened)
    assert progress.headline == "digits: 2 trials succeeded, 1 running, 1 infeasible, best accuracy 90.00 % (trial 0)"


def test_the_live_view_shows_the_last_events_only() -> None:
    progress = Progress("digits", NOW)
    for number in range(50):
        progress.add(event(EventKind.STARTED, trial=number))
    shown = [str(line) for line in progress.render(NOW).renderables]
    assert "trial 49" in shown[-2]
    assert len(shown) == 11
