"""The three pages of a serving process: /healthz, /readyz and /metrics. For kubelets and Prometheus, not for people."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from nago_orchestrator.errors import InputError

PLAIN = "text/plain; charset=utf-8"
Page = Callable[[], tuple[int, str, bytes]]
"""Status, content type and body of a page."""


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
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise InputError(
            f"cannot listen on port {port} of {host}: {error.strerror}", do="give another --port"
        ) from error
    threading.Thread(target=server.serve_forever, name="pages", daemon=True).start()
    return server
