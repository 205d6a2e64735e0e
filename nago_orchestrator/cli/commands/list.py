"""list: all studies of a database."""

from __future__ import annotations

from nago_orchestrator.cli.options import Database, Output, OutputFormat
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.outlook import resume_hint
from nago_orchestrator.cli.output.tables import as_mapping, print_rows
from nago_orchestrator.cli.reading import reading
from nago_orchestrator.domain.rows import StudyRow
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.services.study_status import studies_with_holders

EMPTY = "the database has no study yet; start one with: nago-orch submit study.yaml"


def list_studies(output: Output = OutputFormat.TABLE, database: Database = None) -> None:
    """List all studies in the database."""
    with reading(database) as engine:
        studies = studies_with_holders(engine)
    rows = [{**as_mapping(row), "holder": holder} for row, holder in studies]
    if output is OutputFormat.TABLE:
        rows = [{**as_mapping(row), "message": _why(row, holder)} for row, holder in studies]
    print_rows(rows, columns.STUDIES, output, empty=EMPTY)


def _why(study: StudyRow, holder: str | None) -> str | None:
    if study.state is StudyState.RUNNING and holder is None:
        return f"no process runs it; {resume_hint(study)}"
    return study.message
