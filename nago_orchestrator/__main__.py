"""`nago-orch` and `python -m nago_orchestrator`: hands over to the command line."""

from __future__ import annotations

from nago_orchestrator.cli.app import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
