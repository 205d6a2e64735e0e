"""The measures of a trained network, for its result: one more pass over the images that it is validated on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nago_trainer.contract.class_details import (
    MOST_CLASSES,
    MOST_CONFUSIONS,
    MOST_MISCLASSIFIED,
    ClassDetails,
    shown_name,
)
from nago_trainer.contract.reports import MEASURES
from nago_trainer.contract.task import DatasetSettings
from nago_trainer.data.images import ImageSet
from nago_trainer.data.splits import Examples, Normalisation, Splits
from nago_trainer.data.streaming import in_order
from nago_trainer.training.measures import Measures, Tally

WORST: dict[str, Any] = {**dict.fromkeys(MEASURES, 0.0), "calibration_error": 1.0}
"""Of a training that diverged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    measures: Measures
    mistakes: tuple[tuple[int, int, int, float], ...]
    """Position among the examples, class, answer and its probability; at most MOST_MISCLASSIFIED, the highest first."""
    outputs: tuple[NDArray[np.int64], NDArray[np.float32]] | None
    """Labels [N] and logits [N, K], where they are asked for."""


def measure_network(
    network: nn.Module,
    examples: Examples,
    normalisation: Normalisation,
    *,
    batch_size: int,
    classes: int,
    outputs: bool = False,
) -> Measured | None:
    """None for a network whose outputs are not finite. In evaluation mode, in which the network is left.

    `outputs`: keep them all, which takes memory.
    """
    tally, mistakes = Tally(classes), list[tuple[int, int, int, float]]()
    kept: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    network.eval()
    start = 0
    with torch.inference_mode(), closing(in_order(examples, batch_size)) as batches:
        for classes_of_batch, pixels in batches:
            logits = network(normalisation.apply(pixels)).float().cpu()
            if not bool(torch.isfinite(logits).all()):
                return None
            labels = classes_of_batch.cpu().numpy()
            answers = tally.add(labels, logits.numpy())
            if outputs:
                kept.append((labels, logits.numpy()))
            sure = logits.softmax(1).amax(1).numpy()
            mistakes += [
                (start + place, int(labels[place]), int(answers[place]), float(sure[place]))
                for place in np.flatnonzero(answers != labels).tolist()
            ]
            mistakes = sorted(mistakes, key=lambda row: (-row[3], row[0]))[:MOST_MISCLASSIFIED]
            start += len(labels)
    whole = (np.concatenate([row[0] for row in kept]), np.concatenate([row[1] for row in kept])) if kept else None
    return Measured(measures=tally.measures(), mistakes=tuple(mistakes), outputs=whole)


def reported(measured: Measured | None) -> dict[str, Any]:
    """The fields of a TrialResult; `measured`: None if the training diverged."""
    return WORST if measured is None else {name: getattr(measured.measures, name) for name in WORST}


def details_of(measured: Measured, splits: Splits, images: ImageSet, settings: DatasetSettings) -> ClassDetails | None:
    """None for a data set of too many classes."""
    if len(images.class_names) > MOST_CLASSES:
        return None
    measures = measured.measures
    source = images if images.test is None else images.test
    members = splits.validation.members
    numbers = np.arange(len(source.labels)) if members is None else members.cpu().numpy()
    return ClassDetails(
        measured_on=settings.measured_on,
        class_names=tuple(map(shown_name, images.class_names)),
        images=measures.of_class,
        correct=measures.correct,
        confusions=_most_frequent(measures.confused),
        misclassified=tuple(
            (_name(source, int(numbers[place])), label, answer, sure)
            for place, label, answer, sure in measured.mistakes
        ),
    )


def _most_frequent(confused: Mapping[tuple[int, int], int]) -> tuple[tuple[int, int, int], ...]:
    found = [(label, answer, images) for (label, answer), images in confused.items()]
    return tuple(sorted(found, key=lambda entry: (-entry[2], entry[:2]))[:MOST_CONFUSIONS])


def _name(images: ImageSet, number: int) -> str:
    return str(number) if images.files is None else shown_name(images.files[number])
