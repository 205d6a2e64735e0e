"""All active studies of a database in this process, with its pages and its log. What `nago-orch serve` calls."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nago_orchestrator.bootstrap import run_stored_study
from nago_orchestrator.control_loop.events import Event
from nago_orchestrator.control_loop.session import StopSignal
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.errors import needing
from nago_orchestrator.server.http_pages import serve_pages, text_page
from nago_orchestrator.server.json_log import LineHandler
from nago_orchestrator.server.server import RunStudy, Server
from nago_orchestrator.store.lock import describe_holder
from nago_orchestrator.store.records import Study
from nago_orchestrator.store.store import Store, open_store

if TYPE_CHECKING:  # loaded where it is known to be installed
    from nago_orchestrator.server.metrics import Metrics

Write = Callable[[dict[str, object]], None]
"""Gets a line of the log as fields."""


def serve_studies(url: str, where: str, *, host: str, port: int, leave: threading.Event, write: Write) -> None:
    """Run all active studies of that `execution.where` until `leave` is set.

    Raises InputError if the port is taken, or the package for metrics missing.
    """
    with needing("serve", what="serving"):
        from nago_orchestrator.server.metrics import Metrics  # here: the extra is optional

    store = open_store(url)
    metrics = Metrics(store)

    def serves(study: Study) -> bool:
        execution = study.spec.get("execution") or {}  # a row that nobody can read must not end all others
        return bool(execution.get("where") == where)

    def log(event: str, message: str, *, study: str | None = None, error: bool = False) -> None:
        level = "error" if error else "info"
        write({"level": level, "event": event, "message": message, **({"study": study} if study else {})})

    server = Server(
        store=store,
        run_study=_runner(store, metrics, leave, write),
        holder=lambda: describe_holder(datetime.now(UTC)),
        log=log,
        clock=lambda: datetime.now(UTC),
        serves=serves,
        leave=leave,
    )
    with _log_lines(write), _pages(host, port, server, metrics) as number:
        log("listening", f"listening on port {number}")
        server.run()
    log("left", "stopped; running trials continue, and the next server adopts them")


def _runner(store: Store, metrics: Metrics, leave: threading.Event, write: Write) -> RunStudy:
    """All studies share the store, and so its connections: as many of them as there are would not fit into a server."""

    def run_one(name: str) -> StudyState:
        def on_event(event: Event) -> None:
            metrics.events.labels(study=name, event=event.kind.value).inc()
            write({"level": "info", "study": name, **event.fields()})

        return run_stored_study(
            store,
            name,
            on_event=on_event,
            stop=StopSignal(leave),
            on_tick=metrics.tick_seconds.observe,
            on_call=metrics.note_call,
        )

    return run_one


@contextmanager
def _log_lines(write: Write) -> Iterator[None]:
    """What the program's own loggers say becomes lines of the log."""
    lines = LineHandler(write)
    logger = logging.getLogger("nago_orchestrator")
    logger.addHandler(lines)
    try:
        yield
    finally:
        logger.removeHandler(lines)


@contextmanager
def _pages(host: str, port: int, server: Server, metrics: Metrics) -> Iterator[int]:
    """Health, readiness and metrics; gives the port that they are on."""
    routes: dict[str, Any] = {
        "/healthz": text_page(lambda: True, good="alive", bad=""),
        "/readyz": text_page(lambda: server.is_ready, good="ready", bad="no answer from the database"),
        "/metrics": metrics.page,
    }
    pages = serve_pages(host, port, routes)
    try:
        yield int(pages.server_port)
    finally:
        pages.shutdown()
        pages.server_close()
