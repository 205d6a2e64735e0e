"""logs: what an attempt printed, or prints: from its file, from its pod, or what is stored of it.

Of one that failed the end of its log is stored; of every other one its epochs, of which a log tells little else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, TrialName
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.reading import chosen_trial, known_database, reading
from nago_orchestrator.services.trial_logs import (
    LogSource,
    ShownAttempt,
    await_end,
    await_first_attempt,
    log_source,
    named,
    shown_attempt,
    stored_lines,
    why,
)

Look = Callable[[], ShownAttempt]


def logs(
    trial: TrialName,
    attempt: Annotated[
        int | None, typer.Option("--attempt", min=1, help="Number of the attempt; default: the newest.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines until the attempt ends.")] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", min=1, help="Print only this many lines from the end.")
    ] = None,
    database: Database = None,
) -> None:
    """Print the log of a trial's attempt, from its file or its pod, also while it runs."""
    url = known_database(database)
    with reading(database) as engine:
        study, number = chosen_trial(engine, trial)
        if follow:
            await_first_attempt(engine, study, number, _once())
        first = shown_attempt(engine, study, number, attempt)

        def look() -> ShownAttempt:
            return shown_attempt(engine, study, number, first.attempt)

        source = log_source(study, first, url)
        if source is None:
            _print_stored(first, study, tail)
        elif follow and not first.state.is_final:
            _follow(source, look, study, tail)
        else:
            _print_now(source, first, study, tail)


def _follow(source: LogSource, look: Look, study: str, tail: int | None) -> None:
    printed = _print(source.follow(tail, lambda: not look().state.is_final, _once()))
    row = await_end(look)
    if not printed and (row.log_tail or row.epochs):
        _print_stored(row, study, tail)
    if row.state.is_final:
        _remark(f"{named(row, study)} has ended, {row.state}{why(row)}")


def _print_now(source: LogSource, row: ShownAttempt, study: str, tail: int | None) -> None:
    lines = source.read(tail, _remark)
    if lines is None and row.state.is_final:
        _print_stored(row, study, tail)
    elif not lines:
        _remark(f"{named(row, study)} has printed nothing")
    _print(lines or ())


def _print_stored(row: ShownAttempt, study: str, tail: int | None) -> None:
    what, lines = stored_lines(row, study)
    _remark(what)
    _print(lines if tail is None else lines[-tail:])


def _print(lines: Iterable[str]) -> bool:
    """Whether there was any."""
    printed = False
    for line in lines:
        say(line)
        printed = True
    return printed


def _remark(message: str) -> None:
    if message:
        say(message, err=True)


def _once() -> Callable[[str], None]:
    """Says each thing once in a row: what is waited for is looked at again and again."""
    said = ""

    def say(message: str) -> None:
        nonlocal said
        if message != said:
            _remark(message)
        said = message

    return say
