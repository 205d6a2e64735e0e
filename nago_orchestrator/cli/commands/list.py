"""list: all studies of a database."""

from __future__ import annotations

from nago_orchestrator.cli.options import Database, Output, OutputFormat
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.outlook import resume_words
from nago_orchestrator.cli.output.tables import as_mapping, print_rows
from nago_orchestrator.cli.reading import reading
from nago_orchestrator.services.study_list import ListedStudy, listed_studies

EMPTY = "the database has no study yet; start one with: nago-orch submit study.yaml"


def list_studies(output: Output = OutputFormat.TABLE, database: Database = None) -> None:
    """List all studies in the database."""
    with reading(database) as engine:
        studies = listed_studies(engine)
    rows = [{**as_mapping(study.row), "holder": study.holder} for study in studies]
    if output is OutputFormat.TABLE:
        rows = [{**as_mapping(study.row), "message": _why(study)} for study in studies]
    print_rows(rows, columns.STUDIES, output, empty=EMPTY)


def _why(study: ListedStudy) -> str | None:
    return f"no process runs it; {resume_words(study.row.name)}" if study.is_abandoned else study.row.message
