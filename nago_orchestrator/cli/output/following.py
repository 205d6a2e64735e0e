"""A study run in the foreground: what happens is shown as it happens, Ctrl-C is obeyed, and the end is summed up.

On a terminal a live view of the last events under one line of figures; elsewhere one plain line for each event.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from types import FrameType

from nago_orchestrator.bootstrap import run_study
from nago_orchestrator.cli.output.event_line import event_line
from nago_orchestrator.cli.output.live import live_view
from nago_orchestrator.cli.output.outlook import best_sentence, resume_words
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.reading import reading
from nago_orchestrator.control_loop.events import Event, EventKind
from nago_orchestrator.control_loop.session import StopSignal
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.services.next_step import RunBy, next_step, study_end
from nago_orchestrator.services.studies import run_detached

INTERRUPTED = 130
FAILED = 3
INSTEAD = "resuming would fail again: fix the cause, and submit the study under another name"


def go_on(name: str, state: StudyState, url: str, *, follow: bool) -> int:
    """Run a study that may run, here or in the background, and say how it ended. Returns the exit code."""
    step = next_step(name, state, url, follow=follow)
    watching = f"watch it with: nago-orch status {name} --watch"
    if step.lacks_server:
        say("no server (nago-orch serve) is running for this database: this process runs the study", err=True)
    match step.run_by:
        case RunBy.NOBODY:
            return _sum_up(name, state, url)
        case RunBy.THIS_PROCESS:
            return _follow(name, url)
        case RunBy.SERVER:
            say(f"study {name} is run by {step.server}; {watching}")
        case RunBy.NEW_PROCESS:
            say(f"study {name} runs in process {run_detached(name, url)}; {watching}")
    return 0


def _follow(name: str, url: str) -> int:
    stop = StopSignal()
    with obeying_signals(stop), _view(name, url) as on_event:
        state = run_study(name, url, on_event=on_event, stop=stop)
    if state is StudyState.RUNNING:
        say(f"interrupted; {resume_words(name)}")
        return INTERRUPTED
    return _sum_up(name, state, url)


def _sum_up(name: str, state: StudyState, url: str) -> int:
    with reading(url) as engine:
        end = study_end(engine, name)
    why = f": {end.message}" if end.message else ""
    if state is StudyState.FAILED:
        say(f"study {name} failed{why}", err=True)
        hint = resume_words(name) if end.can_resume else f"{best_sentence(end.best, end.nothing)}; {INSTEAD}"
        say(hint, err=True)
        return FAILED
    say(f"study {name} is {state}{why}")
    say(best_sentence(end.best, end.nothing))
    if end.can_resume:
        say(resume_words(name))
    else:
        say(f"next: nago-orch report {name}   or   nago-orch best {name}")
    return 0 if state is StudyState.COMPLETED else INTERRUPTED


@contextmanager
def obeying_signals(stop: StopSignal) -> Iterator[None]:
    """The first Ctrl-C asks, the second stops at once, SIGTERM stops at once; a third Ctrl-C ends the program."""

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        if stop.aborted:
            raise KeyboardInterrupt
        if stop.requested:
            stop.abort()
            _say("stopping now")
        else:
            stop.request()
            _say("stopping when the running trials have finished (Ctrl-C again: stop now)")

    def on_terminate(_number: int, _frame: FrameType | None) -> None:
        stop.abort()

    before = signal.signal(signal.SIGINT, on_interrupt), signal.signal(signal.SIGTERM, on_terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])


def _say(message: str) -> None:
    """Straight to the file: a buffered stream must not be entered from a signal handler."""
    os.write(2, f"\n{message}\n".encode())


def _view(name: str, url: str) -> AbstractContextManager[Callable[[Event], None]]:
    if sys.stdout.isatty():
        return live_view(name, datetime.now(UTC))
    return _plain_view(name)


@contextmanager
def _plain_view(name: str) -> Iterator[Callable[[Event], None]]:
    say(f"study {name}")
    yield lambda event: say(event_line(event), err=event.kind is EventKind.TROUBLE)
