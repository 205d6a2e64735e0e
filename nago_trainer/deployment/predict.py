"""`nago-train predict`: the classes of image files. A file that cannot be read keeps no other from its answer."""

from __future__ import annotations

import csv
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor

from nago_trainer.contract.error_text import error_text
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.deployment.output import json_text
from nago_trainer.deployment.visible import visible
from nago_trainer.errors import DataError, StorageError
from nago_trainer.log import log
from nago_trainer.network.prediction import BATCH, Prediction, prepared_image, ranked
from nago_trainer.network.saved_network import TrainedNetwork, load_network

NOT_FINITE = "the network's outputs are not finite numbers for this image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One file's."""

    file: Path
    prediction: Prediction | None
    error: str
    """Why there is no prediction; else empty."""


def predict(options: Namespace) -> int:
    """Raises TaskError for a file that is no saved network. BAD_TASK where any image could not be read."""
    network = load_network(options.network)
    answers = _answers(network, options.files)
    broken = _WRITERS[options.output](answers, min(options.top, len(network.facts.class_names)), sys.stdout)
    return ExitCode.BAD_TASK if broken else ExitCode.DONE


def _answers(network: TrainedNetwork, files: Sequence[Path]) -> Iterator[Answer]:
    """In the order of the files, a batch at a time."""
    for start in range(0, len(files), BATCH):
        yield from _answers_of_batch(network, files[start : start + BATCH])


def _answers_of_batch(network: TrainedNetwork, files: Sequence[Path]) -> Iterator[Answer]:
    images: dict[int, Tensor] = {}
    errors: dict[int, str] = {}
    for number, file in enumerate(files):
        try:
            images[number] = prepared_image(file, str(file), network.facts.dataset)
        except (DataError, StorageError) as error:
            errors[number] = str(error)
    found = _predictions(network, images)
    for number in images.keys() - found.keys():
        errors[number] = error_text(NOT_FINITE, where=files[number])
    for sentence in errors.values():
        log(f"error: {sentence}")
    for number, file in enumerate(files):
        yield Answer(file=file, prediction=found.get(number), error=errors.get(number, ""))


def _predictions(network: TrainedNetwork, images: Mapping[int, Tensor]) -> dict[int, Prediction]:
    """Of those images of which the network makes numbers."""
    if not images:
        return {}
    with torch.no_grad():
        logits = network(torch.stack(list(images.values())))
    predictions = ranked(logits, network.facts.class_names)
    finite = logits.isfinite().all(1).tolist()
    return {number: found for number, found, known in zip(images, predictions, finite, strict=True) if known}


def _write_json(answers: Iterator[Answer], top: int, stream: TextIO) -> int:
    """A list, one line for each file; how many have none."""
    broken = 0
    stream.write("[")
    for number, answer in enumerate(answers):
        broken += answer.prediction is None
        stream.write(f"{',' if number else ''}\n  {json_text(_entry(answer, top), stream)}")
    stream.write("\n]\n")
    return broken


def _entry(answer: Answer, top: int) -> dict[str, object]:
    if answer.prediction is None:
        return {"file": str(answer.file), "error": answer.error}
    found = answer.prediction
    return {
        "file": str(answer.file),
        "class": found.class_name,
        "probability": found.probability,
        "classes": [{"class": name, "probability": probability} for name, probability in found.top(top)],
    }


def _write_csv(answers: Iterator[Answer], top: int, stream: TextIO) -> int:
    """A line for each file and class, the most probable first; a file without a class has a line with the error."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("file", "rank", "class", "probability", "error"))
    broken = 0
    for answer in answers:
        if answer.prediction is None:
            broken += 1
            writer.writerow((answer.file, "", "", "", answer.error))
            continue
        for rank, (name, probability) in enumerate(answer.prediction.top(top), start=1):
            writer.writerow((answer.file, rank, name, probability, ""))
    return broken


def _write_table(answers: Iterator[Answer], top: int, stream: TextIO) -> int:
    """A line for each file; the error stream has why one has no class."""
    broken = 0
    for answer in answers:
        if answer.prediction is None:
            broken += 1
            stream.write(f"{visible(answer.file)}: no prediction\n")
            continue
        words = ", ".join(f"{visible(name)} {probability:.2%}" for name, probability in answer.prediction.top(top))
        stream.write(f"{visible(answer.file)}: {words}\n")
    return broken


_WRITERS = {"json": _write_json, "csv": _write_csv, "table": _write_table}
