"""The pages of a serving process answer, whoever else holds connections to them."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from nago_orchestrator.errors import InputError
from nago_orchestrator.server.http_pages import MOST_CONNECTIONS, serve_pages, text_page
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def port() -> Iterator[int]:
    server = serve_pages("127.0.0.1", 0, {"/healthz": text_page(lambda: True, good="alive\n", bad="stuck\n")})
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def ask(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE_SECONDS) as answer:
        content: bytes = answer.read()
        return content


@pytest.mark.slow
def test_connections_that_say_nothing_or_half_a_request_keep_nobody_out(port: int) -> None:
    with ExitStack() as stack:
        for number in range(4 * MOST_CONNECTIONS):
            held = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS))
            if number % 2:
                held.sendall(b"GET /healthz HT")
        assert ask(port) == b"alive\n"
    assert ask(port) == b"alive\n"


def test_a_port_that_is_taken_is_named(port: int) -> None:
    with pytest.raises(InputError, match=f"cannot listen on port {port}"):
        serve_pages("127.0.0.1", port, {})


def test_a_fault_in_a_page_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    def broken() -> tuple[int, str, bytes]:
        raise ZeroDivisionError

    server = serve_pages("127.0.0.1", 0, {"/metrics": broken})
    with pytest.raises(OSError, match="closed connection"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/metrics", timeout=PATIENCE_SECONDS)
    server.shutdown()
    server.server_close()
    assert "ZeroDivisionError" in capfd.readouterr().err
