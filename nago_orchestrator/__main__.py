"""`nago-orch` and `python -m nago_orchestrator`: hands over to the command line."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> NoReturn:
    """Ends the process with the command's exit code."""
    try:
        _open_standard_streams()
        from nago_orchestrator.cli.app import main as run  # here, because Ctrl-C may come while it loads
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    run()


def _open_standard_streams() -> None:
    """One that was closed (`>&-`) goes nowhere, or the next file opened would become it and get what is printed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, "w"))
    for stream in (sys.stdout, sys.stderr):
        # A character that the stream's encoding lacks is written as its escape; it does not end the command.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    if sys.stdin is None:
        sys.stdin = os.fdopen(0)


if __name__ == "__main__":
    main()
