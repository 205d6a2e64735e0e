"""A data check where the orchestrator does not see the images: asked by the environment, answered as a termination
message. `nago-train check-data --job`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from nago_trainer.attempt.termination_message import TerminationMessage
from nago_trainer.contract.attempt_files import (
    CHECKPOINTS_VARIABLE,
    SCRATCH_VARIABLE,
    TERMINATION_LOG,
    TERMINATION_LOG_VARIABLE,
    TOKEN_VARIABLE,
)
from nago_trainer.contract.data_check import QUESTION_VARIABLE, DataAnswer, DataQuestion
from nago_trainer.contract.data_report import DataReport
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.json_form import ContractError, read_json
from nago_trainer.data.catalogue import prepare_images, survey
from nago_trainer.data.examination import Manner
from nago_trainer.data.survey import Look
from nago_trainer.errors import DataError, StorageError, TrainerError
from nago_trainer.log import log, log_traceback

THREADS = 4
"""That decode images, however many CPUs the node has: each takes memory, and the Job's is limited."""
EXAMINED = ".examined"
"""Folder beside the studies' checkpoints."""


def check_data(environment: Mapping[str, str]) -> int:
    """The process's exit code. Never raises. The whole report, which may be long, goes to stdout."""
    place = Path(environment.get(TERMINATION_LOG_VARIABLE) or TERMINATION_LOG)
    message = TerminationMessage(place, environment.get(TOKEN_VARIABLE, ""))
    try:
        question = _question(environment)
        report = _look(question, _folder(environment) / question.kept)
        _prepare(question, report, environment)
    except StorageError as error:
        log(f"error: {error}")
        return error.exit_code  # without a verdict: it is tried again
    except TrainerError as error:
        message.failure(kind="defect", reason=error.reason, message=str(error))
        log(f"error: {error}")
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # the process's edge: a bug becomes an exit code and a traceback in the log
        log_traceback()
        text = " ".join(f"{type(error).__name__}: {error}".split())
        message.failure(kind="defect", reason=type(error).__name__, message=text)
        return ExitCode.DEFECT
    sys.stdout.write(json.dumps(report.to_json()) + "\n")
    written = message.data(DataAnswer(report=report, classes=len(report.classes)))
    return ExitCode.DONE if written else ExitCode.UNWRITABLE


def _look(question: DataQuestion, kept: Path) -> DataReport:
    """What was kept, which every trial can write, counts only where it says what the study knows already.

    Raises DataError or StorageError.
    """
    look = Look(kept=kept, since=question.since, manner=Manner(threads=THREADS))
    if question.since is not None and not question.anew:
        report = survey(question.source, look)
        if report.fingerprint == question.since and not report.problems and not report.broken_count:
            return report
    return survey(question.source, replace(look, manner=Manner(anew=True, threads=THREADS)))


def _prepare(question: DataQuestion, report: DataReport, environment: Mapping[str, str]) -> None:
    """Unless the study cannot go on with these images. Raises DataError or StorageError."""
    asked = question.prepare
    if asked is None or report.problems or report.broken_count or question.since not in (None, report.fingerprint):
        return
    if (asked.channels, asked.classes) != (report.channels, len(report.classes)):
        return
    with _few_cpus():
        prepare_images(replace(asked, fingerprint=report.fingerprint), environment)


@contextmanager
def _few_cpus() -> Iterator[None]:
    """Images are decoded by a thread for each CPU that the process may use."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(usable)[:THREADS])
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


def _question(environment: Mapping[str, str]) -> DataQuestion:
    """Raises DataError."""
    try:
        return DataQuestion.from_json(read_json(environment.get(QUESTION_VARIABLE) or ""))
    except ContractError as error:
        raise DataError(f"invalid question about the images: {error}", where=QUESTION_VARIABLE) from error


def _folder(environment: Mapping[str, str]) -> Path:
    """Among the checkpoints, which last; the volume with the images is read-only."""
    lasting = environment.get(CHECKPOINTS_VARIABLE)
    return Path(lasting) / EXAMINED if lasting else Path(environment.get(SCRATCH_VARIABLE) or "/tmp") / EXAMINED
