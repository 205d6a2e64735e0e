"""Asks the trainer, in a process of its own, what a dataset holds; the orchestrator itself never opens an image."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from nago_orchestrator.domain.dataset import untrainable
from nago_orchestrator.errors import ImageStorageError, InputError, NagoError
from nago_orchestrator.paths import data_folder
from nago_trainer.contract.data_report import DataReport
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.json_form import ContractError, read_json

COMMAND = (sys.executable, "-m", "nago_trainer", "check-data")


def check_dataset(source: DataSource, command: Sequence[str] = COMMAND, *, since: str | None = None) -> DataReport:
    """Examines every image that has changed since the last check, and tells all that is wrong with them.

    `since`: a former fingerprint; the report says what has changed.

    Raises InputError with the trainer's sentence where there is nothing to examine, and ImageStorageError where that
    cannot be told at the moment.
    """
    kept = None if source.path is None else str(examination_file(source.path))
    request = json.dumps({**source.to_json(), "kept": kept, "since": since})
    answer = ask_trainer(command, request)
    try:
        return DataReport.from_json(read_json(answer))
    except ContractError as error:
        raise NagoError(f"unexpected output of the trainer for the dataset {source.name}: {answer!r}") from error


def ask_trainer(command: Sequence[str], request: str) -> str:
    """What it writes. Raises InputError with its sentence, or ImageStorageError where the storage fails."""
    answer = subprocess.run(command, input=request, capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return answer.stdout
    complaint = answer.stderr.strip().splitlines()
    kind = ImageStorageError if answer.returncode == ExitCode.UNWRITABLE else InputError
    raise kind(complaint[-1].removeprefix("error: ") if complaint else "the trainer cannot read the dataset")


def refuse_untrainable(report: DataReport) -> None:
    """Raises InputError for a problem of the dataset, or for its broken images: all of them at once."""
    problem = untrainable(report, remedy="`nago-orch data check STUDY.yaml` lists them")
    if problem is not None:
        raise InputError(problem)


def examination_file(path: str) -> Path:
    """Where the trainer keeps what it found of each image of a folder: among NAGO's files, not among the images."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return data_folder() / "examined" / f"{digest}.json"
