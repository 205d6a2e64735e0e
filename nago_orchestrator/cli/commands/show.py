"""show: one trial in full."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.cli.options import Database, Output, OutputFormat, TrialName
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import (
    Column,
    Printable,
    print_facts,
    print_rows,
    print_table,
    to_json,
    without,
)
from nago_orchestrator.cli.reading import chosen_trial, reading
from nago_orchestrator.domain.rows import TrialDetails
from nago_orchestrator.store import queries


def show(trial: TrialName, output: Output = OutputFormat.TABLE, database: Database = None) -> None:
    """Show one trial with its theta, attempts and epochs; JSON also has the architecture."""
    with reading(database) as engine:
        row = queries.show_trial(engine, *chosen_trial(engine, trial))
    if output is OutputFormat.JSON:
        say(to_json(row))
    elif output is OutputFormat.CSV:
        large = ("architecture", "canonical_theta", "attempt_rows", "epoch_rows")
        print_rows([without(row, *large)], (), output, empty="")
    else:
        _print_trial(row)


def _print_trial(row: TrialDetails) -> None:
    print_facts(columns.facts(row, columns.TRIAL_FACTS))
    theta = [{"name": name, "value": value} for name, value in row.theta.items()]
    tables: tuple[tuple[str, Sequence[Printable], Sequence[Column]], ...] = (
        ("theta", theta, columns.THETA),
        ("attempts", row.attempt_rows, columns.ATTEMPTS),
        ("epochs", row.epoch_rows, columns.EPOCHS),
    )
    for title, rows, shown in tables:
        say(f"\n{title}" if rows else f"\n{title}: none")
        if rows:
            print_table(rows, shown)
