"""One event of a running study as a line of text."""

from __future__ import annotations

from nago_orchestrator.control_loop.events import Event
from nago_orchestrator.formatting.visible import visible_line


def event_line(event: Event) -> str:
    """In local time."""
    return f"{event.at.astimezone():%H:%M:%S} {event.kind:<11} {visible_line(event.message)}"
