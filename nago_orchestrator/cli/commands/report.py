"""report: a study as one HTML page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, StudyName
from nago_orchestrator.cli.output.say import say, say_page
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.errors import InputError, needing


def report(
    name: StudyName = None,
    file: Annotated[
        Path | None,
        typer.Option("--output", "-O", metavar="FILE.html", help="Default: STUDY.html; - writes to standard output."),
    ] = None,
    model: Annotated[
        bool,
        typer.Option(
            "--model/--no-model",
            help="Fit a surrogate and show its predictions: takes some seconds (needs the extra `mobo`).",
        ),
    ] = True,
    database: Database = None,
) -> None:
    """Write the report of a study: one HTML page that works offline."""
    with needing("report", what="a report"):
        from nago_orchestrator.services.study_report import report_page  # here: the extra is optional

    with reading(database) as engine:
        study = chosen_study(engine, name)
        page = report_page(engine, known_database(database), study, datetime.now(UTC), with_surrogate=model)
    if str(file) == "-":
        say_page(page)
        return
    say(f"wrote {_write(file or Path(f'{study}.html'), page)}")


def _write(file: Path, page: str) -> Path:
    """Whole or not at all: a page that somebody has open is replaced in one step."""
    if file.is_dir():
        raise InputError("cannot write the report: this is a folder", where=file, do="give a file in it")
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise InputError(f"cannot write the report: {error.strerror}", where=file) from error
    return file
