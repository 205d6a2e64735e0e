"""db upgrade, db check: the schema of the results database."""

from __future__ import annotations

import typer

from nago_orchestrator.cli.options import Database
from nago_orchestrator.cli.reading import known_database
from nago_orchestrator.paths import database_url
from nago_orchestrator.store import versions
from nago_orchestrator.store.engine import describe, parse

app = typer.Typer(name="db", help="Check or upgrade the results database.", no_args_is_help=True, add_completion=False)


@app.command()
def upgrade(database: Database = None) -> None:
    """Upgrade the schema to the version that this program needs; all stored data is kept."""
    status = versions.upgrade(database_url(database))
    typer.echo(f"the database has schema {status.found}, the one this program needs")


@app.command()
def check(database: Database = None) -> None:
    """Show the schema version of the database; exit code 2 unless it is the one that this program needs."""
    url = known_database(database)
    status = versions.check(url)
    versions.refuse_other(status, describe(parse(url)))
    typer.echo(f"the database {describe(parse(url))} has schema {status.found}, the one this program needs")
