"""serve: run all active studies of a database, as the Deployment in a cluster does."""

from __future__ import annotations

import json
import signal
import sys
import threading
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, word_option
from nago_orchestrator.paths import database_url
from nago_orchestrator.server.service import serve_studies

ANY = "0.0.0.0"
"""All addresses: a kubelet's probes come from outside of the pod."""
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port of /healthz, /readyz and /metrics; 0: any free port.")
]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]


class Where(StrEnum):
    KUBERNETES = "kubernetes"
    LOCAL = "local"


Kind = Annotated[Where, word_option(Where, "place", "--where", told="Run the studies with this `execution.where`.")]


def serve(where: Kind = Where.KUBERNETES, port: Port = 9464, host: Host = ANY, database: Database = None) -> None:
    """Run all active studies until SIGTERM; running trials continue, and the next server adopts them.

    A second server of the same database is a standby: it takes over when the first one ends. Logs are JSON lines.
    """
    leave = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: leave.set())
    serve_studies(database_url(database), where, host=host, port=port, leave=leave, write=_write_line)


def _write_line(fields: dict[str, object]) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stdout.write(json.dumps({"time": now, **fields}, default=str) + "\n")
    sys.stdout.flush()
