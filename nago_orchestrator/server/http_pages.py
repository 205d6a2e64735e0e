"""The three pages of a serving process: /healthz, /readyz and /metrics. For kubelets and Prometheus, not for people."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from nago_orchestrator.errors import InputError

PLAIN = "text/plain; charset=utf-8"
Page = Callable[[], tuple[int, str, bytes]]
"""Status, content type and body of a page."""


MOST_CONNECTIONS = 64
"""A probe needs one for milliseconds."""
_SILENT_SECONDS = 10.0
"""After which a connection that says nothing is closed."""


class _PageServer(ThreadingHTTPServer):
    """However many connections somebody opens and leaves open, a new one is answered: it displaces the oldest."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: dict[int, socket.socket] = {}
        """By their identity, oldest first."""
        self._guard = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open[id(request)] = request
            oldest = next(iter(self._open.values())) if len(self._open) > MOST_CONNECTIONS else None
            if oldest is not None:
                del self._open[id(oldest)]
                with suppress(OSError):  # it has just ended by itself
                    oldest.shutdown(socket.SHUT_RDWR)  # its thread reads the end, and closes it
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.pop(id(request), None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away or was displaced is nothing to tell of; a fault in a page is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def text_page(condition: Callable[[], bool], *, good: str, bad: str) -> Page:
    """200 with one sentence while the condition holds, else 503 with the other."""

    def page() -> tuple[int, str, bytes]:
        return (200, PLAIN, good.encode()) if condition() else (503, PLAIN, bad.encode())

    return page


def serve_pages(host: str, port: int, pages: dict[str, Page]) -> ThreadingHTTPServer:
    """Answers in a daemon thread until `shutdown()`; port 0 takes a free one.

    Raises InputError if the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = _SILENT_SECONDS

        def do_GET(self) -> None:  # the name that http.server calls
            page = pages.get(self.path.partition("?")[0])
            status, content_type, body = page() if page else (404, PLAIN, b"there is no such page")
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # the parent's name for it
            """Probes come every few seconds: nothing to log."""

    try:
        server = _PageServer((host, port), Handler)
    except OSError as error:
        raise InputError(
            f"cannot listen on port {port} of {host}: {error.strerror}", do="give another --port"
        ) from error
    threading.Thread(target=server.serve_forever, name="pages", daemon=True).start()
    return server
