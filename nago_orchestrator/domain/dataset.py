"""What a study knows of its images: how many there are, what was left out, and how many steps an epoch has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nago_trainer.contract.data_report import EXPECTED_LEFT_OUT, DataReport

FEWEST_STEPS = 5
"""Of an epoch: below, a network learns little from an epoch, and batch normalisation little of the images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSummary:
    images: int
    classes: int
    training: int
    validation: int
    steps_per_epoch: int
    left_out: Mapping[str, int]
    """By reason."""


def summary_of(report: DataReport, batch_size: int) -> DatasetSummary:
    return DatasetSummary(
        images=report.images,
        classes=len(report.classes),
        training=report.training,
        validation=report.validation,
        steps_per_epoch=steps_per_epoch(report.training, batch_size),
        left_out={found.reason: found.count for found in report.left_out},
    )


def steps_per_epoch(training: int, batch_size: int) -> int:
    """As the trainer counts: a last batch of one image is left out."""
    last_is_single = training > batch_size > 1 and training % batch_size == 1
    return -(-training // batch_size) - last_is_single


def in_words(summary: DatasetSummary) -> str:
    """One line, for people."""
    text = (
        f"{summary.images:,} of {summary.classes:,} classes: {summary.training:,} for training "
        f"({_counted_steps(summary.steps_per_epoch)} per epoch), {summary.validation:,} for validation"
    )
    return f"{text}; left out: {_reasons(summary.left_out)}" if summary.left_out else text


def warnings(report: DataReport, batch_size: int) -> tuple[str, ...]:
    """What is allowed, and probably not meant; one sentence each."""
    doubts = list(report.hints)
    doubtful = {found.reason: found.count for found in report.left_out if found.reason not in EXPECTED_LEFT_OUT}
    if doubtful:
        doubts.append(f"left out: {_reasons(doubtful)}")
    steps = steps_per_epoch(report.training, batch_size)
    if steps < FEWEST_STEPS:
        doubts.append(
            f"an epoch has only {_counted_steps(steps)} ({report.training:,} training images, "
            f"trainer.batch_size {batch_size:,}): lower trainer.batch_size"
        )
    return tuple(doubts)


def _reasons(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())


def _counted_steps(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps:,} steps"
