"""list: all studies of a database."""

from __future__ import annotations

from nago_orchestrator.cli.options import Database, Output, OutputFormat
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.outlook import resume_hint
from nago_orchestrator.cli.output.tables import Row, print_rows
from nago_orchestrator.cli.reading import reading
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.store import queries

GOING_ON = (StudyState.RUNNING, StudyState.PAUSED)


def list_studies(output: Output = OutputFormat.TABLE, database: Database = None) -> None:
    """All studies of the database."""
    with reading(database) as engine:
        rows = [
            {**row, "holder": queries.holder(engine, row["name"]) if row["state"] in GOING_ON else None}
            for row in queries.list_studies(engine)
        ]
    if output is OutputFormat.TABLE:
        rows = [{**row, "message": _why(row)} for row in rows]
    print_rows(rows, columns.STUDIES, output, empty="no study yet; start one with: nago-orch submit study.yaml")


def _why(study: Row) -> str | None:
    if study["state"] == StudyState.RUNNING and study["holder"] is None:
        return f"run by nobody; {resume_hint(study)}"
    message: str | None = study["message"]
    return message
