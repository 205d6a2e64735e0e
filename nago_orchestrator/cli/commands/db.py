"""db upgrade, db check: the schema of the results database."""

from __future__ import annotations

import typer

from nago_orchestrator.cli.options import Database
from nago_orchestrator.cli.reading import known_database
from nago_orchestrator.paths import database_url
from nago_orchestrator.store import versions
from nago_orchestrator.store.engine import describe, parse

app = typer.Typer(name="db", help="The results database.", no_args_is_help=True, add_completion=False)


@app.command()
def upgrade(database: Database = None) -> None:
    """Bring the schema to the version of this program; nothing that is stored is lost."""
    status = versions.upgrade(database_url(database))
    typer.echo(f"the database has schema {status.found}, the one this program needs")


@app.command()
def check(database: Database = None) -> None:
    """Say which schema the database has; exit code 2 unless it is the one this program needs."""
    url = known_database(database)
    status = versions.check(url)
    versions.refuse_other(status, describe(parse(url)))
    typer.echo(f"the database {describe(parse(url))} has schema {status.found}, the one this program needs")
