"""replay: the evaluations in evaluation order, or the proof that the search would go the same way again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.say import say, say_progress
from nago_orchestrator.cli.output.tables import Column, Printable, print_rows
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.search.proposers.replay import Difference
from nago_orchestrator.services.reproduction import reproduce
from nago_orchestrator.store import queries

FAILED = 3
FINAL_TRAINING = "final training"
"""Of what the search never learned of, as the origin of its proposal."""
PAUSE_SECONDS = 10.0
"""Between two lines of progress where no terminal is looked at."""
DIFFERENCES = (
    Column(key="proposal", title="proposal"),
    Column(key="trial", title="trial"),
    Column(key="field", title="field", right=False),
    Column(key="stored", title="stored", right=False),
    Column(key="computed", title="computed", right=False),
)


def replay(
    name: StudyName = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Rebuild all proposals and trials, and compare them with the database.")
    ] = False,
    proposals_only: Annotated[
        bool, typer.Option("--proposals-only", help="With --verify: compare the proposals only, not the trials.")
    ] = False,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """List the evaluations in evaluation order, or verify that the seed reproduces the study.

    With --verify, a new proposer observes the stored evaluations and must make the same proposals, and every trial's
    architecture is sampled again and must be the stored one. Exit code 3 if anything differs.
    """
    with reading(database) as engine:
        study = chosen_study(engine, name)
        rows = [] if verify else queries.evaluations(engine, study)
    if verify:
        _verify(study, output, database, proposals_only=proposals_only)
        return
    shown = columns.with_objectives(columns.EVALUATIONS, rows)
    told: Sequence[Printable] = rows
    if output is OutputFormat.TABLE:
        told = [
            {**columns.objectives_apart(row), "origin": FINAL_TRAINING if row.final_training else row.origin}
            for row in rows
        ]
    print_rows(told, shown, output, empty=f"the study {study} has no evaluation yet")


def _verify(study: str, output: OutputFormat, database: str | None, *, proposals_only: bool) -> None:
    url = known_database(database)
    made_again = reproduce(
        study,
        url,
        proposals_only=proposals_only,
        on_proposal=progress("proposal", "compared"),
        on_trial=progress("trial", "compared"),
    )
    differences = made_again.differences
    if not made_again.compared_trials:
        _end_line(differences)
    same, error = f"verified: the seed and the evaluations of {study} reproduce every proposal", "proposals"
    if made_again.compared_trials:
        same, error = f"{same} and every architecture", "architectures"
    print_rows([asdict(difference) for difference in differences], DIFFERENCES, output, empty=same)
    if differences:
        say(f"error: the {error} of {study} differ from those that this program makes from the stored study", err=True)
        raise typer.Exit(FAILED)


def progress(what: str, how: str, clock: Callable[[], float] = time.monotonic) -> Callable[[int, int], None]:
    """Shows what is done, and of how many: on a terminal in a line that is written over, elsewhere now and then."""
    told_at = clock()

    def show(done: int, count: int) -> None:
        nonlocal told_at
        line = f"{done:,} of {counted(count, what)} {how}"
        if sys.stderr.isatty():
            say_progress(line, last=done == count)
        elif clock() - told_at >= PAUSE_SECONDS:
            told_at = clock()
            say(line, err=True)

    return show


def _end_line(differences: Sequence[Difference]) -> None:
    """Proposals are compared until the first one that differs, in the midst of the line of progress."""
    if differences and sys.stderr.isatty():
        say(err=True)
