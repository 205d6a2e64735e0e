"""What a study knows of its images: how many there are, what was left out, and how many steps an epoch has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nago_trainer.contract.data_report import EXPECTED_LEFT_OUT, DataReport
from nago_trainer.contract.error_text import error_text
from nago_trainer.contract.task import USUAL_IMAGE_MEMORY, DatasetSettings

FEWEST_STEPS = 5
"""Of an epoch: below, a network learns little from an epoch, and batch normalisation little of the images."""
LISTED_CLASSES = 1000
"""Of which a study keeps the number of images."""
PEAK_OF_PIXELS = 1.3
"""Memory that a trainer needs to read all images, over the bytes of their pixels at their size."""
RESTORE_THEM = "restore them and resume, or submit the study under another name"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSummary:
    images: int
    classes: int
    training: int
    validation: int
    steps_per_epoch: int
    left_out: Mapping[str, int]
    """By reason."""
    class_images: Mapping[str, int] = field(default_factory=dict)
    """Images of the first classes; empty for a study that an older version has stored."""
    smallest: tuple[int, int] | None = None
    """Width and height of the image with the fewest pixels."""
    largest: tuple[int, int] | None = None
    test: int = 0
    """Test images, which no search sees."""
    duplicates: tuple[str, ...] = ()
    """Of images that are in two parts, one sentence each."""


def summary_of(report: DataReport, batch_size: int, *, classes: int | None = None) -> DatasetSummary:
    """`classes`: how many there are, where the report does not list all of them."""
    return DatasetSummary(
        images=report.images,
        classes=len(report.classes) if classes is None else classes,
        training=report.training,
        validation=report.validation,
        steps_per_epoch=steps_per_epoch(report.training, batch_size),
        left_out={found.reason: found.count for found in report.left_out},
        class_images={each.name: each.images for each in report.classes[:LISTED_CLASSES]},
        smallest=report.smallest,
        largest=report.largest,
        test=report.test,
        duplicates=report.duplicates,
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
    text = f"{text}, {summary.test:,} for testing" if summary.test else text
    return f"{text}; left out: {_reasons(summary.left_out)}" if summary.left_out else text


def pixel_bytes(dataset: DatasetSettings, images: int) -> int:
    """Of so many images, resized."""
    return images * dataset.channels * dataset.image_size**2


def bytes_in_memory(dataset: DatasetSettings, images: int) -> int:
    """Of the pixels of so many images at the most; 0 where they are read batch by batch."""
    pixels = pixel_bytes(dataset, images)
    if dataset.prepared is None:
        return round(PEAK_OF_PIXELS * pixels)
    return pixels if pixels <= (dataset.memory or USUAL_IMAGE_MEMORY) else 0


def untrainable(report: DataReport, *, remedy: str) -> str | None:
    """Why nothing can be trained on the images, in one sentence; of broken ones all at once. None if something can."""
    if report.problems:
        return report.problems[0]
    if report.broken_count == 0:
        return None
    first = report.broken[0].why if report.broken else "no reason is known"
    if report.broken_count == 1:
        return first
    return error_text(f"{report.broken_count:,} images cannot be read, the first because: {first}", do=remedy)


def changed_sentence(changes: Sequence[str], path: str | None) -> str:
    """`changes`: as far as they are known."""
    told = f": {'; '.join(changes)}" if changes else ""
    return error_text(f"the images have changed since the study began{told}", where=path, do=RESTORE_THEM)


def warnings(report: DataReport, batch_size: int) -> tuple[str, ...]:
    """What is allowed, and probably not meant; one sentence each."""
    doubts = [*report.hints, *report.duplicates]
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
