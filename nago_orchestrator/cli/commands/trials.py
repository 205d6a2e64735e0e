"""trials: the trials of a study, as table, JSON or CSV."""

from __future__ import annotations

from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName, word_option
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.tables import print_rows
from nago_orchestrator.cli.reading import chosen_study, reading
from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.store import queries


def trials(
    name: StudyName = None,
    state: Annotated[
        TrialState | None, word_option(TrialState, "state", "--state", told="Only trials in this state.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Only this many, the newest.")] = None,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """List the trials of a study by number."""
    with reading(database) as engine:
        study = chosen_study(engine, name)
        rows = queries.list_trials(engine, study, state=state, limit=limit)
    which = f"{state} trial" if state else "trial"
    print_rows(rows, columns.TRIALS, output, empty=f"the study {study} has no {which} yet")
