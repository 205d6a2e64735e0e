"""Where an attempt's output is found: in a file of this machine, or in the log of a pod. Called by `nago-orch logs`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Protocol

from nago_orchestrator.bootstrap import runs_folder
from nago_orchestrator.domain.rows import AttemptRow, EpochRow, LoggedAttempt, widened
from nago_orchestrator.errors import NotFoundError, needing
from nago_orchestrator.executors.local.log import LocalLog
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store import queries
from nago_orchestrator.store.engine import OpenDatabase
from nago_orchestrator.store.store import Store, open_store
from nago_trainer.contract.attempt_files import LOG_FILE
from nago_trainer.contract.reports import EpochRecord

Say = Callable[[str], None]
PAUSE_SECONDS = 1.0
END_TRIES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAttempt(LoggedAttempt):
    """An attempt with all that is stored of its output."""

    epochs: tuple[EpochRow, ...]


class LogSource(Protocol):
    def read(self, tail: int | None, say: Say) -> list[str] | None:
        """The lines so far; None if there are none to be had, of which `say` may be told the reason."""
        ...

    def follow(self, tail: int | None, alive: Callable[[], bool], say: Say) -> Iterator[str]:
        """The lines so far, and further ones until the attempt is over."""
        ...


def log_source(study: str, attempt: AttemptRow, url: str) -> LogSource | None:
    """None for a pod that has ended: its log is gone with it, what is stored of it counts.

    Raises NotFoundError for one that runs on another machine, InputError without a cluster.
    """
    store = open_store(url)
    if attempt.executor == "kubernetes":
        return None if attempt.state.is_final else _pod_log(study, attempt, store)
    path = runs_folder(store) / study / attempt.name / LOG_FILE
    node = attempt.node
    live = not attempt.state.is_final
    if live and not path.exists() and node not in (None, os.uname().nodename):
        raise NotFoundError("the attempt runs on another machine", where=node, do=f"read its log there: {path}")
    return LocalLog(path)


def _pod_log(study: str, attempt: AttemptRow, store: Store) -> LogSource:
    with needing("kubernetes", what="the log of a pod"):
        from nago_orchestrator.executors.kubernetes.opening import open_pod_log  # here: the extra is optional

    section = StudySpec.from_canonical(store.study(study).spec).execution.kubernetes
    return open_pod_log(attempt.name, section.namespace if section is not None else None)


def shown_attempt(engine: OpenDatabase, study: str, number: int, wanted: int | None) -> ShownAttempt:
    """The last attempt, unless one is wanted. Raises NotFoundError without it."""
    trial = queries.show_trial(engine, study, number)
    rows = trial.attempt_rows
    if not rows:
        raise NotFoundError(f"the trial {study}/{number} has no attempt yet, and so no log")
    for row in reversed(rows):
        if wanted is None or row.attempt == wanted:
            epochs = tuple(epoch for epoch in trial.epoch_rows if epoch.attempt == row.attempt)
            return widened(ShownAttempt, row, epochs=epochs)
    raise NotFoundError(f"the trial {study}/{number} has no attempt {wanted}, only {counted(len(rows), 'attempt')}")


def await_first_attempt(engine: OpenDatabase, study: str, number: int, say: Say) -> None:
    """Returns also when the trial has come to its end without any."""
    while not (trial := queries.show_trial(engine, study, number)).attempt_rows:
        if trial.state.is_final:
            return
        say(f"the trial {study}/{number} waits for its first attempt")
        time.sleep(PAUSE_SECONDS)


def await_end(look: Callable[[], ShownAttempt]) -> ShownAttempt:
    """The row as soon as it says how the attempt ended: whoever runs the study learns of it a moment after its log.

    Gives up after some seconds, e.g. where nobody runs the study.
    """
    for _ in range(END_TRIES):
        row = look()
        if row.state.is_final:
            break
        time.sleep(PAUSE_SECONDS)
    return row


def stored_lines(row: ShownAttempt, study: str) -> tuple[str, list[str]]:
    """What is stored of a log that is gone, and the lines: its end as it was when the attempt ended, or its epochs.

    Raises NotFoundError without either.
    """
    if row.log_tail:
        return "the log is gone; these are its last lines, from the database", row.log_tail.splitlines()
    if row.epochs:
        lines = [_epoch_of(epoch).in_words() for epoch in row.epochs]
        return "the log is gone; these are its epochs, from the database", lines
    raise NotFoundError(f"{named(row, study)} has no log: it is gone, or nothing was printed{why(row)}")


def _epoch_of(row: EpochRow) -> EpochRecord:
    return EpochRecord(**{field.name: getattr(row, field.name) for field in fields(EpochRecord)})


def why(row: AttemptRow) -> str:
    return f": {row.reason}: {row.message}" if row.reason else ""


def named(row: AttemptRow, study: str) -> str:
    return f"attempt {row.attempt} of trial {study}/{row.trial}"
