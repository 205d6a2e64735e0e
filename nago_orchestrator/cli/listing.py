"""list, trials, show, logs: what is stored, as table, JSON or CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nago_orchestrator.cli import columns
from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName, TrialName
from nago_orchestrator.cli.reading import chosen_study, chosen_trial, reading
from nago_orchestrator.cli.tables import Row, print_facts, print_rows, print_table, to_json
from nago_orchestrator.domain import TrialState
from nago_orchestrator.errors import NotFoundError


def list_studies(output: Output = OutputFormat.TABLE, database: Database = None) -> None:
    """All studies of the database."""
    from nago_orchestrator.store import queries

    with reading(database) as engine:
        rows = queries.list_studies(engine)
    print_rows(rows, columns.STUDIES, output, empty="no study yet; start one with: nago-orch submit study.yaml")


def trials(
    name: StudyName = None,
    state: Annotated[TrialState | None, typer.Option("--state", help="Only those in this state.")] = None,
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


def logs(
    trial: TrialName,
    attempt: Annotated[int | None, typer.Option("--attempt", min=1, help="Default: the last one.")] = None,
    tail: Annotated[int | None, typer.Option("--tail", "-n", min=1, help="Only the last so many lines.")] = None,
    database: Database = None,
) -> None:
    """What an attempt of a trial printed."""
    from nago_orchestrator.places import database_url
    from nago_orchestrator.store import queries
    from nago_orchestrator.study_commands import trial_log

    with reading(database) as engine:
        study, number = chosen_trial(engine, trial)
        row = _attempt(queries.show_trial(engine, study, number)["attempt_rows"], f"{study}/{number}", attempt)
    text = _log_text(trial_log(study, row["name"], database_url(database)), row)
    lines = text.splitlines()
    if not lines:
        typer.echo(f"attempt {row['attempt']} of trial {study}/{number} printed nothing", err=True)
    for line in lines if tail is None else lines[-tail:]:
        typer.echo(line)


def _attempt(rows: list[Row], trial: str, wanted: int | None) -> Row:
    if not rows:
        raise NotFoundError(f"the trial {trial} has no attempt yet, so there is no log")
    for row in reversed(rows):
        if wanted is None or row["attempt"] == wanted:
            return row
    raise NotFoundError(f"the trial {trial} has {len(rows)} attempts; there is no attempt {wanted}")


def _log_text(file: Path | None, row: Row) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8", errors="replace")
    if row.get("log_tail"):
        typer.echo("the log file is gone; this is its stored end", err=True)
        return str(row["log_tail"])
    raise NotFoundError(f"the log of attempt {row['attempt']} of trial {row['trial']} is gone, or it printed nothing")
