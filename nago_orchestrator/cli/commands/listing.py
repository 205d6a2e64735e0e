"""list, trials, show, logs: what is stored, as table, JSON or CSV."""

from __future__ import annotations

from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName, TrialName, word_option
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.outlook import resume_hint
from nago_orchestrator.cli.output.tables import Row, print_facts, print_rows, print_table, to_json
from nago_orchestrator.cli.reading import chosen_study, chosen_trial, reading
from nago_orchestrator.domain.states import StudyState, TrialState

GOING_ON = (StudyState.RUNNING, StudyState.PAUSED)


def list_studies(output: Output = OutputFormat.TABLE, database: Database = None) -> None:
    """All studies of the database."""
    from nago_orchestrator.store import queries

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


def trials(
    name: StudyName = None,
    state: Annotated[
        TrialState | None, word_option(TrialState, "state", "--state", told="Only those in this state.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Only the newest so many.")] = None,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """The trials of a study, by number."""
    from nago_orchestrator.store import queries

    with reading(database) as engine:
        study = chosen_study(engine, name)
        rows = queries.list_trials(engine, study, state=state, limit=limit)
    which = f"{state} trial" if state else "trial"
    print_rows(rows, columns.TRIALS, output, empty=f"the study {study} has no {which} yet")


def show(trial: TrialName, output: Output = OutputFormat.TABLE, database: Database = None) -> None:
    """One trial with its theta, its attempts and its epochs; JSON has the architecture too."""
    from nago_orchestrator.store import queries

    with reading(database) as engine:
        row = queries.show_trial(engine, *chosen_trial(engine, trial))
    if output is OutputFormat.JSON:
        typer.echo(to_json(row))
    elif output is OutputFormat.CSV:
        large = ("architecture", "canonical_theta", "attempt_rows", "epoch_rows")
        print_rows([{key: value for key, value in row.items() if key not in large}], (), output, empty="")
    else:
        _print_trial(row)


def _print_trial(row: Row) -> None:
    print_facts(columns.facts(row, columns.TRIAL_FACTS))
    theta = [{"name": name, "value": value} for name, value in row["theta"].items()]
    for title, rows, shown in (
        ("theta", theta, columns.THETA),
        ("attempts", row["attempt_rows"], columns.ATTEMPTS),
        ("epochs", row["epoch_rows"], columns.EPOCHS),
    ):
        typer.echo(f"\n{title}" if rows else f"\n{title}: none")
        if rows:
            print_table(rows, shown)
