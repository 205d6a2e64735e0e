"""The live view of a study that runs in the foreground of a terminal."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from nago_orchestrator.cli.output.event_line import event_line
from nago_orchestrator.control_loop.events import Event, EventKind
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted

LAST = 10
"""Events in view."""
STYLES = {
    EventKind.SUCCEEDED: "green",
    EventKind.INFEASIBLE: "yellow",
    EventKind.FAILED: "red",
    EventKind.RETRIED: "yellow",
    EventKind.TROUBLE: "bold red",
    EventKind.STUDY_ENDED: "bold",
    EventKind.STARTED: "cyan",
    EventKind.PROPOSED: "dim",
}
_ENDINGS = (EventKind.SUCCEEDED, EventKind.INFEASIBLE, EventKind.FAILED, EventKind.RETRIED)


class Progress:
    """What has happened since this process began to run the study."""

    def __init__(self, name: str, began: datetime) -> None:
        self._name = name
        self._began = began
        self._counts: Counter[EventKind] = Counter()
        self._running: set[int | None] = set()
        """Numbers of trials."""
        self._best: tuple[float, int | None] | None = None
        self._events: deque[Event] = deque(maxlen=LAST)

    def add(self, event: Event) -> None:
        self._counts[event.kind] += 1
        self._events.append(event)
        if event.kind is EventKind.STARTED:
            self._running.add(event.trial)
        elif event.kind in _ENDINGS:
            self._running.discard(event.trial)
        if event.accuracy is not None and (self._best is None or event.accuracy > self._best[0]):
            self._best = event.accuracy, event.trial

    @property
    def headline(self) -> str:
        counts = self._counts
        parts = [f"{counted(counts[EventKind.SUCCEEDED], 'trial')} succeeded", f"{len(self._running)} running"]
        parts += [f"{counts[kind]:,} {kind}" for kind in (EventKind.FAILED, EventKind.INFEASIBLE) if counts[kind]]
        if self._best is not None:
            parts.append(f"best accuracy {quantities.percent(self._best[0])} (trial {self._best[1]})")
        return f"{self._name}: {', '.join(parts)}"

    def render(self, now: datetime) -> Group:
        lines = [Text(event_line(event), style=STYLES.get(event.kind, ""), no_wrap=True) for event in self._events]
        elapsed = quantities.duration((now - self._began).total_seconds())
        return Group(*lines, Spinner("dots", text=Text(f"{self.headline}, {elapsed}", style="bold")))


@contextmanager
def live_view(name: str, began: datetime) -> Iterator[Callable[[Event], None]]:
    """Redrawn four times a second for as long as the context lasts; takes the events."""
    progress = Progress(name, began)

    def render() -> Group:
        return progress.render(datetime.now(began.tzinfo))

    with Live(console=Console(), get_renderable=render, refresh_per_second=4, transient=False):
        yield progress.add
