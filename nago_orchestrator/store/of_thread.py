"""What a thread has opened by `Store.together`."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from sqlalchemy import Connection


class OfThread(threading.local):
    stack: ExitStack | None = None
    """Ends the transaction."""
    connection: Connection | None = None
    """None until something is read or written."""
