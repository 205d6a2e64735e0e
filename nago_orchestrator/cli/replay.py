"""replay: the evaluations in told order, or the proof that the search would go the same way again."""

from __future__ import annotations

from typing import Annotated

import typer

from nago_orchestrator.cli import columns
from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName
from nago_orchestrator.cli.reading import chosen_study, reading
from nago_orchestrator.cli.tables import Column, print_rows

FAILED = 3
DIFFERENCES = (
    Column(key="proposal", title="proposal"),
    Column(key="field", title="field", right=False),
    Column(key="stored", title="stored", right=False),
    Column(key="computed", title="computed", right=False),
)


def replay(
    name: StudyName = None,
    verify: Annotated[bool, typer.Option("--verify", help="Propose everything again and compare.")] = False,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """The evaluations in the order in which the search learned of them.

    With --verify a new proposer is told the same results and must make the same proposals; else exit code 3.
    """
    from nago_orchestrator.store import queries

    with reading(database) as engine:
        study = chosen_study(engine, name)
        rows = [] if verify else queries.evaluations(engine, study)
    if verify:
        _verify(study, output, database)
        return
    shown = columns.with_objectives(columns.EVALUATIONS, (row for row in rows if row["objective_values"]))
    if output is OutputFormat.TABLE:
        rows = [{**row, **row["objective_values"]} for row in rows]
    print_rows(rows, shown, output, empty=f"the study {study} has no evaluation yet")


def _verify(study: str, output: OutputFormat, database: str | None) -> None:
    from dataclasses import asdict

    from nago_orchestrator.places import database_url
    from nago_orchestrator.wiring import verify_replay

    differences = [asdict(difference) for difference in verify_replay(study, database_url(database))]
    same = f"the same: every proposal of {study} follows from its seed and what it was told"
    print_rows(differences, DIFFERENCES, output, empty=same)
    if differences:
        typer.echo(f"error: {study} was not proposed by this program with these results", err=True)
        raise typer.Exit(FAILED)
