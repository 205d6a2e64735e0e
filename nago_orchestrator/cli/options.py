"""Arguments and options that several commands share, spelled once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class OutputFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="Results database, e.g. sqlite:///nago.db or postgresql://host/nago. "
        "Default: NAGO_DATABASE_URL, else one SQLite file in your data folder.",
    ),
]
Output = Annotated[OutputFormat, typer.Option("--output", "-o", help="How to print.")]
StudyName = Annotated[str | None, typer.Argument(metavar="STUDY", help="May be left out where there is only one.")]
TrialName = Annotated[
    str,
    typer.Argument(metavar="TRIAL", help="STUDY/NUMBER, e.g. digits/17; NUMBER where there is only one study."),
]
StudyFile = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY.yaml",
        readable=False,  # not checked here: the study file's reader has its own sentence for it
        help="The study file (docs/study-file.md); - is standard input.",
    ),
]
