"""doctor: is everything there that a study needs, here, in its cluster and in its database?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import Column, print_rows
from nago_orchestrator.domain.findings import Finding, State
from nago_orchestrator.paths import data_folder, database_url
from nago_orchestrator.services.doctor import diagnose, subject_of
from nago_orchestrator.services.installation import installation_findings
from nago_orchestrator.spec import load_study_spec

COLUMNS = (
    Column(key="state", title="state", right=False),
    Column(key="check", title="check", right=False),
    Column(key="detail", title="detail", right=False, folds=True),
)
PROBLEM = 3

OptionalStudyFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="STUDY.yaml",
        readable=False,  # not checked here: the study file's reader has its own sentence for it
        help="Check that this study can run, and the cluster that it uses; - reads standard input.",
    ),
]
Cluster = Annotated[bool, typer.Option("--kubernetes", help="Check the current cluster, also without a study.")]


def doctor(
    file: OptionalStudyFile = None,
    kubernetes: Cluster = False,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """Check this installation, and a study's file, cluster and database, before anything is trained.

    Exit code 3 if it finds a problem.
    """
    spec = None if file is None else load_study_spec(file)
    subject = subject_of(spec, database_url(database), asked_for_cluster=kubernetes)
    findings = [
        *installation_findings(data_folder(), for_jobs=subject.cluster),
        *diagnose(subject, datetime.now(UTC)),
    ]
    print_rows(findings, COLUMNS, output, empty="")
    if output is OutputFormat.TABLE:
        _print_remedies(findings)
    if any(finding.state is State.PROBLEM for finding in findings):
        raise typer.Exit(PROBLEM)


def _print_remedies(findings: Sequence[Finding]) -> None:
    """Below the table, whose lines they would make too long."""
    mendable = [finding for finding in findings if finding.remedy]
    if mendable:
        say("\nwhat to do")
    for finding in mendable:
        say(f"  {finding.check}: {finding.remedy}")
