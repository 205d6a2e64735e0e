"""cancel: end a study permanently."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, StudyName
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.reading import known_database, named_study
from nago_orchestrator.control_loop.events import Event, EventKind
from nago_orchestrator.errors import InputError
from nago_orchestrator.services.studies import cancel_study


def cancel(
    name: StudyName = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    database: Database = None,
) -> None:
    """Cancel a study permanently: running trials are stopped, results are kept."""
    url = known_database(database)
    chosen = named_study(name, url)
    if not yes and not sys.stdin.isatty():
        raise InputError(
            f"cancelling ends the study {chosen} permanently", do="pass --yes in a non-interactive session"
        )
    if not yes:
        typer.confirm(f"Cancel the study {chosen} permanently?", abort=True)
    study = cancel_study(chosen, url, datetime.now(UTC), _tell_trouble)
    say(f"study {study.name} is cancelled")


def _tell_trouble(event: Event) -> None:
    """The command waits for its end."""
    if event.kind is EventKind.TROUBLE:
        say(f"cannot stop the running trials yet: {event.message}", err=True)
