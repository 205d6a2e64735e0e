"""No test leaves a process behind, however it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import command


@pytest.fixture(autouse=True)
def _no_process_left() -> Iterator[None]:
    yield
    for process in command.STARTED:
        if process.poll() is None:
            process.kill()
        process.communicate()
    command.STARTED.clear()
