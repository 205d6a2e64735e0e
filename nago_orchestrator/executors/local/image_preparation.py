"""Asks the trainer, in a process of its own, to decode and resize the images of a study before its first trial."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nago_orchestrator.errors import NagoError
from nago_orchestrator.executors.local.dataset_check import ask_trainer
from nago_orchestrator.paths import data_folder
from nago_trainer.contract.json_form import ContractError, build, encode_known, read_json
from nago_trainer.contract.task import DatasetSettings

COMMAND = (sys.executable, "-m", "nago_trainer", "prepare-data")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedImages:
    """What the trainer answers."""

    folder: str
    images: int
    bytes: int
    """Of their pixels."""


def prepare_images(settings: DatasetSettings, command: Sequence[str] = COMMAND) -> PreparedImages:
    """Those that are there already stay. Raises InputError, and ImageStorageError for a folder that is not usable."""
    asked = replace(settings, prepared=settings.prepared or usual_folder(), images=None)
    answer = ask_trainer(command, json.dumps(encode_known(asked)))
    try:
        return build(PreparedImages, read_json(answer))
    except ContractError as error:
        raise NagoError(f"unexpected output of the trainer for the dataset {settings.name}: {answer!r}") from error


def usual_folder() -> str:
    """Of studies that name none."""
    return str(data_folder() / "prepared")
