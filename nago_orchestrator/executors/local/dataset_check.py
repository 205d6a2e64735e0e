"""Asks the trainer, in a process of its own, what a dataset holds; the orchestrator itself never opens an image."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from nago_orchestrator.errors import InputError, NagoError
from nago_trainer.contract.data_sets import DatasetFacts

COMMAND = (sys.executable, "-m", "nago_trainer", "describe-data")


def describe_dataset(name: str, path: str | None, command: Sequence[str] = COMMAND) -> DatasetFacts:
    """Checks every image. Raises InputError with the trainer's sentence for the first thing that is wrong."""
    request = json.dumps({"name": name, "path": path})
    answer = subprocess.run(command, input=request, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        complaint = answer.stderr.strip().splitlines()
        raise InputError(complaint[-1].removeprefix("error: ") if complaint else "the trainer cannot read the dataset")
    try:
        facts = json.loads(answer.stdout)
        return DatasetFacts(channels=facts["channels"], classes=facts["classes"], images=facts["images"])
    except (json.JSONDecodeError, KeyError) as error:
        raise NagoError(f"unexpected output of the trainer for the dataset {name}: {answer.stdout!r}") from error
