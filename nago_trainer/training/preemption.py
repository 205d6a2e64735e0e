"""What SIGTERM does to an attempt: ends it at once, or asks the training to stop after its present step.

Also as process 1 of a container, where a signal without a handler is ignored.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

ENDED_BY_SIGTERM = 128 + signal.SIGTERM


class Preemption:
    """Listens from its creation on; the process ends at once until it says otherwise."""

    def __init__(self, *, exit_code: int = ENDED_BY_SIGTERM) -> None:
        self.requested = False
        self._exit_code = exit_code
        self._at_once = True
        signal.signal(signal.SIGTERM, self._on_signal)

    def wait_for_checkpoint(self) -> None:
        """From now on SIGTERM sets `requested`, which the training has to check."""
        self._at_once = False

    def end_at_once(self, exit_code: int) -> None:
        """From now on SIGTERM ends the process with this code; at once, if it has come already."""
        self._exit_code = exit_code
        self._at_once = True
        if self.requested:
            os._exit(exit_code)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        if self._at_once:
            os._exit(self._exit_code)
