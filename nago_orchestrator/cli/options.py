"""Arguments and options that several commands share, spelled once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from nago_orchestrator.errors import InputError
from nago_orchestrator.formatting.suggestions import suggestion


class OutputFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def word_option(words: type[StrEnum], what: str, *names: str, told: str) -> Any:
    """An option that takes one of `words`, `what` they are; any other is refused in this program's own words."""

    def read(text: str) -> StrEnum:
        known = [str(word) for word in words]
        if text in known:
            return words(text)

        raise InputError(f"{names[0]} names an unknown {what} '{text}'", do=suggestion(text, known))

    def complete(incomplete: str) -> list[str]:
        return [str(word) for word in words if word.startswith(incomplete)]

    return typer.Option(*names, parser=read, metavar=f"<{'|'.join(words)}>", autocompletion=complete, help=told)


Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="Results database: postgresql://HOST/DATABASE, sqlite:///FILE or the path of an SQLite file. "
        "Default: NAGO_DATABASE_URL, or else an SQLite file in the user's data folder.",
    ),
]
Output = Annotated[OutputFormat, word_option(OutputFormat, "format", "--output", "-o", told="Output format.")]
StudyName = Annotated[
    str | None, typer.Argument(metavar="STUDY", help="May be omitted if the database has only one study.")
]
Follow = Annotated[
    bool,
    typer.Option(
        "--follow/--detach", help="Run the study here and show its events, or run it in a background process."
    ),
]
TrialName = Annotated[
    str,
    typer.Argument(metavar="TRIAL", help="STUDY/NUMBER, e.g. digits/17; or NUMBER if the database has only one study."),
]
StudyFile = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY.yaml",
        readable=False,  # not checked here: the study file's reader has its own sentence for it
        help="The study file (docs/study-file.md); - reads standard input.",
    ),
]
