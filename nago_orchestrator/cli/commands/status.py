"""status: a study's state once, or every two seconds until it ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.outlook import best_sentence, resume_hint
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import (
    as_mapping,
    print_facts,
    print_rows,
    print_table,
    rich_table,
    to_json,
    without,
)
from nago_orchestrator.cli.reading import chosen_study, reading
from nago_orchestrator.domain.data_checks import DataCheck
from nago_orchestrator.domain.dataset import in_words
from nago_orchestrator.domain.rows import StudyStatus
from nago_orchestrator.domain.states import AttemptState
from nago_orchestrator.errors import InputError
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.formatting.visible import visible
from nago_orchestrator.services.study_status import FinalTrainings, StudyLook, read_status, seconds_left, warm_start
from nago_orchestrator.store.engine import OpenDatabase


def status(
    name: StudyName = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Update until the study ends.")] = False,
    interval: Annotated[float, typer.Option("--interval", min=0.1, max=86_400, help="Seconds between updates.")] = 2.0,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """Show the state of a study: trials, best generator, resource use, and the process that runs it."""
    if watch and output is not OutputFormat.TABLE:
        raise InputError(
            f"--watch has no {output} output", do=f"call `nago-orch status -o {output}` repeatedly, without --watch"
        )
    with reading(database) as engine:
        study = chosen_study(engine, name)
        if watch:
            _watch(engine, study, interval)
            return
        shown = read_status(engine, study)
    if output is OutputFormat.JSON:
        best = None if shown.best is None else columns.of_study(study, shown.best)
        say(to_json({**as_mapping(shown), "best": best}))
    elif output is OutputFormat.CSV:
        left_out = (
            "spec",
            "objectives",
            "running",
            "waiting",
            "dataset",
            "data_check",
            "best",
            "ledger",
            "final_training_counts",
            "full_trainings",
        )
        print_rows([without(shown, *left_out)], (), output, empty="")
    else:
        _print_status(shown)


def status_facts(status: StudyLook, now: datetime) -> list[tuple[str, str]]:
    """Label and text, for people."""
    states = ", ".join(f"{count:,} {state}" for state, count in status.trial_states.items() if count)
    best = best_sentence(status.best, status.nothing).removeprefix("best: ")
    since = quantities.duration(status.seconds_since_last_event(now))
    facts = [
        ("study", f"{status.name}, seed {status.seed}"),
        ("state", f"{status.state}: {status.message}" if status.message else str(status.state)),
        ("run by", status.holder or "; ".join(filter(None, ("no process", resume_hint(status))))),
        ("trials", states or "none yet"),
        *([("waiting", waiting_words(status))] if status.waiting else []),
        *([("images", images_words(status))] if status.dataset else []),
        *([("data check", data_check_words(status.data_check))] if status.data_check else []),
        *([("warm start", learnt)] if (learnt := warm_start(status)) is not None else []),
        ("proposals", f"{status.proposals:,}, of which {status.evaluations:,} evaluated"),
        ("best", best),
        *([("final", final_training_words(status.final_trainings))] if status.final_trainings else []),
        ("time", quantities.duration(status.seconds) + " of trials" + _gpu_words(status)),
        ("last event", f"{since} ago"),
    ]
    left = seconds_left(status)
    return (
        facts if left is None else [*facts, ("left", f"about {quantities.duration(left)}, by the mean time of a trial")]
    )


def images_words(status: StudyStatus) -> str:
    text = "" if status.dataset is None else in_words(status.dataset)
    return text if status.fingerprint is None else f"{text}; fingerprint {status.fingerprint[:12]}"


def data_check_words(check: DataCheck) -> str:
    """Of the Job that looks at images which only the trainers see."""
    state = {AttemptState.CREATED: "waiting", AttemptState.SUCCEEDED: "done"}.get(check.state, str(check.state))
    tried = f", try {check.number}" if check.number > 1 else ""
    why = ": ".join(filter(None, (check.reason, check.message)))
    return f"{state}{tried}" + (f" ({why})" if why else "")


def waiting_words(status: StudyLook) -> str:
    """How many of the running trials wait, and for what."""
    reasons = ", ".join(f"{count:,} {why}" for why, count in status.reasons_to_wait)
    return f"{counted(len(status.waiting), 'attempt')} not running: {reasons}"


def final_training_words(trainings: Sequence[FinalTrainings]) -> str:
    """How many networks the final training has, for how many epochs each, and in which states."""
    texts = []
    for each in trainings:
        states = ", ".join(f"{count:,} {state}" for state, count in each.states)
        texts.append(f"{counted(each.networks, 'network')} for {counted(each.epochs, 'epoch')}: {states}")
    return "; ".join(texts)


def _gpu_words(status: StudyStatus) -> str:
    return f", {quantities.duration(status.gpu_seconds)} of GPUs" if status.gpu_seconds else ""


def _print_status(status: StudyLook) -> None:
    print_facts(status_facts(status, datetime.now(UTC)))
    if status.ledger:
        say("\nattempts by outcome")
        print_table(status.ledger, columns.LEDGER)
    if status.running:
        say("\nrunning")
        print_table(status.running, columns.TRIALS)
    if status.waiting:
        say("\nwaiting")
        print_table(status.waiting, columns.WAITING)


def _watch(engine: OpenDatabase, study: str, interval: float) -> None:
    if sys.stdout.isatty():
        _watch_live(engine, study, interval)
        return
    before = None
    while True:
        status = read_status(engine, study)
        line = watch_line(status)
        if line != before:
            say(line)
        before = line
        if status.has_ended:
            return
        time.sleep(interval)


def watch_line(status: StudyLook) -> str:
    states = ", ".join(f"{count:,} {state}" for state, count in status.trial_states.items() if count)
    best = best_sentence(status.best, status.nothing)
    return f"{status.name} {status.state}: {states or 'no trials yet'}; {best}"


def _watch_live(engine: OpenDatabase, study: str, interval: float) -> None:
    def render(status: StudyLook) -> Group:
        grid = Table.grid(padding=(0, 2))
        for label, value in status_facts(status, datetime.now(UTC)):
            grid.add_row(Text(label, style="dim"), Text(visible(value)))
        running = [rich_table(status.running, columns.TRIALS)] if status.running else []
        waiting = [rich_table(status.waiting, columns.WAITING)] if status.waiting else []
        return Group(grid, *running, *waiting)

    with Live(console=Console(), auto_refresh=False) as live:
        while True:
            status = read_status(engine, study)
            live.update(render(status), refresh=True)
            if status.has_ended:
                return
            time.sleep(interval)
