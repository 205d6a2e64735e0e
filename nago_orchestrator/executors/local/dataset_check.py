"""Asks the trainer, in a process of its own, what a dataset holds; the orchestrator itself never opens an image."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from nago_orchestrator.errors import InputError, NagoError

COMMAND = (sys.executable, "-m", "nago_trainer", "describe-data")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    channels: int
    classes: int
    images: int


PUBLISHED = {
    "digits": DatasetFacts(channels=1, classes=10, images=1_797),
    "cifar10": DatasetFacts(channels=3, classes=10, images=50_000),
    "cifar100": DatasetFacts(channels=3, classes=100, images=50_000),
}
"""What is known of a dataset that lies where the orchestrator cannot look; the trainer checks it there."""


def describe_dataset(name: str, path: str | None) -> DatasetFacts:
    """Checks every image. Raises InputError with the trainer's sentence for the first thing that is wrong."""
    request = json.dumps({"name": name, "path": path})
    answer = subprocess.run(COMMAND, input=request, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        complaint = answer.stderr.strip().splitlines()
        raise InputError(complaint[-1].removeprefix("error: ") if complaint else "the trainer cannot read the dataset")
    try:
        facts = json.loads(answer.stdout)
        return DatasetFacts(channels=facts["channels"], classes=facts["classes"], images=facts["images"])
    except (json.JSONDecodeError, KeyError) as error:
        raise NagoError(f"the trainer answered {answer.stdout!r} instead of describing the dataset {name}") from error
