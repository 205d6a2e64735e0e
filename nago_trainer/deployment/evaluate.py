"""`nago-train evaluate`: how good a saved network is on a folder of labelled images."""

from __future__ import annotations

import csv
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import TextIO

import torch
from torch.nn import functional

from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.data.folder_scan import scan
from nago_trainer.deployment.output import json_text
from nago_trainer.deployment.visible import visible
from nago_trainer.errors import DataError, TaskError
from nago_trainer.network.prediction import BATCH, prepared_image
from nago_trainer.network.saved_network import TrainedNetwork, load_network
from nago_trainer.training.measures import Measures, Tally

SHARES = ("accuracy", "balanced_accuracy", "macro_f1", "top_5", "worst_class", "calibration_error")
_TERMS = {"macro_f1": "macro F1", "top_5": "top-5"}
WIDEST_CONFUSION = 20
"""Classes up to which the table has the confusion matrix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    class_names: tuple[str, ...]
    loss: float
    """Mean cross-entropy, in nats."""
    measures: Measures


def evaluate(options: Namespace) -> int:
    """Raises TaskError, DataError or StorageError; nothing is printed before all images are read."""
    found = evaluated(load_network(options.network), options.folder)
    _WRITERS[options.output](found, sys.stdout)
    return ExitCode.DONE


def evaluated(network: TrainedNetwork, folder: Path) -> Evaluation:
    """FOLDER/CLASS/IMAGE, the classes by the network's names. Raises TaskError, DataError or StorageError."""
    labelled = _labelled(network, folder)
    tally, loss = Tally(len(network.facts.class_names)), 0.0
    for start in range(0, len(labelled), BATCH):
        batch = labelled[start : start + BATCH]
        images = torch.stack([prepared_image(file, str(file), network.facts.dataset) for file, _ in batch])
        labels = torch.tensor([label for _, label in batch])
        with torch.no_grad():
            logits = network(images).double()
        if not bool(torch.isfinite(logits).all()):
            bad = next(file for (file, _), row in zip(batch, logits, strict=True) if not torch.isfinite(row).all())
            raise TaskError("the network's outputs are not finite numbers for this image", where=bad)
        loss += functional.cross_entropy(logits, labels, reduction="sum").item()
        tally.add(labels.numpy(), logits.numpy())
    return Evaluation(class_names=network.facts.class_names, loss=loss / len(labelled), measures=tally.measures())


def _labelled(network: TrainedNetwork, folder: Path) -> list[tuple[Path, int]]:
    numbers = {name: number for number, name in enumerate(network.facts.class_names)}
    classes = scan(folder).classes
    strange = [found.name for found in classes if found.name not in numbers]
    if strange:
        raise DataError(
            f"the folder {strange[0]!r} is not a class of the network (its classes: {_some(list(numbers))})",
            where=folder,
            do="give each folder the name of its class",
        )
    labelled = [(file, numbers[found.name]) for found in classes for file in found.files]
    if not labelled:
        raise DataError(
            "there are no images to measure on",
            where=folder,
            do="give a folder that has a folder of images for a class",
        )
    return labelled


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _write_json(found: Evaluation, stream: TextIO) -> None:
    """`per_class` and the rows and columns of `confusion` are in the order of `class_names`."""
    measures = found.measures
    told = {
        "class_names": found.class_names,
        "loss": found.loss,
        "images": measures.images,
        **{name: getattr(measures, name) for name in SHARES},
        "per_class": measures.per_class,
        "confusion": tuple(measures.confusion()),
    }
    stream.write(f"{json_text(told, stream, indent=2)}\n")


def _write_csv(found: Evaluation, stream: TextIO) -> None:
    """A line for each class: its images, its accuracy, and how many of them were taken for each class."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("class", "images", "accuracy", *(f"as {name}" for name in found.class_names)))
    for (name, images, accuracy), row in zip(_classes(found), found.measures.confusion(), strict=True):
        writer.writerow((name, images, "" if accuracy is None else accuracy, *row))


def _classes(found: Evaluation) -> Iterator[tuple[str, int, float | None]]:
    return zip(found.class_names, found.measures.of_class, found.measures.per_class, strict=True)


def _write_table(found: Evaluation, stream: TextIO) -> None:
    measures = found.measures
    facts = [("images", f"{measures.images:,}"), ("loss", f"{found.loss:.4f}")]
    facts += [(_TERMS.get(name, name.replace("_", " ")), f"{getattr(measures, name):.2%}") for name in SHARES]
    width = max(len(label) for label, _ in facts)
    stream.writelines(f"{label.ljust(width)}  {value}\n" for label, value in facts)
    with_matrix = len(found.class_names) <= WIDEST_CONFUSION
    header = ["class", "images", "accuracy", *(f"as {name}" for name in found.class_names if with_matrix)]
    matrix = measures.confusion() if with_matrix else repeat(())
    lines = [
        [name, str(images), "-" if accuracy is None else f"{accuracy:.2%}", *map(str, row)]
        for (name, images, accuracy), row in zip(_classes(found), matrix, strict=False)
    ]
    shown = [[visible(cell) for cell in line] for line in (header, *lines)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    stream.write("\n")
    stream.writelines(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + "\n" for line in shown
    )


_WRITERS = {"json": _write_json, "csv": _write_csv, "table": _write_table}
