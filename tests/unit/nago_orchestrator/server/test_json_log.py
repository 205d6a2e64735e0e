"""Lines of Python's logging in the JSON log."""

from __future__ import annotations

import logging

from nago_orchestrator.server.json_log import LineHandler


def test_a_line_tells_whom_it_is_about() -> None:
    lines: list[dict[str, object]] = []
    log = logging.Logger("test")
    log.addHandler(LineHandler(lines.append))
    log.warning("the Job %s waits", "a-t00001-a1", extra={"study": "a", "trial": 1, "attempt": 1})
    log.info("nothing else")
    assert lines == [
        {
            "level": "warning",
            "event": "log",
            "message": "the Job a-t00001-a1 waits",
            "study": "a",
            "trial": 1,
            "attempt": 1,
        },
        {"level": "info", "event": "log", "message": "nothing else"},
    ]


def test_an_error_that_was_caught_is_named() -> None:
    lines: list[dict[str, object]] = []
    log = logging.Logger("test")
    log.addHandler(LineHandler(lines.append))
    try:
        raise OSError("the disk is full")
    except OSError:
        log.exception("no page")
    assert lines == [{"level": "error", "event": "log", "message": "no page: OSError('the disk is full')"}]
