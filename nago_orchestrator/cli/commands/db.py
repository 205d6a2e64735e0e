"""db upgrade, db check, db backup, db restore: the results database itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.reading import known_database
from nago_orchestrator.paths import database_url
from nago_orchestrator.store import backup as copies
from nago_orchestrator.store import versions
from nago_orchestrator.store.engine import describe, parse

app = typer.Typer(
    name="db",
    help="Check, upgrade, back up or restore the results database.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def upgrade(database: Database = None) -> None:
    """Upgrade the schema to the version that this program needs; all stored data is kept."""
    status = versions.upgrade(database_url(database))
    say(f"the database has schema {status.found}, the one this program needs")


@app.command()
def check(database: Database = None) -> None:
    """Show the schema version of the database; exit code 2 unless it is the one that this program needs."""
    url = known_database(database)
    status = versions.check(url)
    versions.refuse_other(status, describe(parse(url)))
    say(f"the database {describe(parse(url))} has schema {status.found}, the one this program needs")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file.", show_default=False)],
    database: Database = None,
) -> None:
    """Copy an SQLite database into a new file, also while studies run.

    The copy is complete and consistent, which a plain copy of the file is not. For PostgreSQL use pg_dump.
    """
    url = known_database(database)
    copies.backup(url, file)
    say(f"the database {describe(parse(url))} was copied to {file}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `db backup` wrote.", show_default=False)],
    database: Database = None,
) -> None:
    """Copy a backup to the path of the database, where no file may exist yet.

    Trials that were running at the time of the backup get a new attempt. For PostgreSQL use pg_restore.
    """
    url = database_url(database)
    copies.restore(file, url)
    say(f"the database {describe(parse(url))} was restored from {file}")
