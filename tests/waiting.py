"""How tests wait: for a condition, never for a time, so that no test depends on how fast the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 600.0
"""How long anything may take before a test gives up. It is spent only where something is wrong."""
LOOK_SECONDS = 0.01


def until(condition: Callable[[], object], what: Callable[[], object] = lambda: "waited in vain") -> None:
    """Returns as soon as the condition holds; otherwise fails and says `what`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(LOOK_SECONDS)
