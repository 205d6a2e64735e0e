"""What a trained network gets right and wrong as rows of tables: by class, by confusion, by image. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nago_trainer.contract.class_details import ClassDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    class_name: str
    images: int
    correct: int
    accuracy: float | None
    """None for a class without images."""
    taken_for: str | None
    """The class that it is most often confused with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionRow:
    """A cell of the confusion matrix that is not zero; the diagonal included."""

    class_name: str
    answer: str
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakeRow:
    file: str
    class_name: str
    answer: str
    probability: float


def class_rows(details: ClassDetails) -> list[ClassRow]:
    taken_for: dict[int, int] = {}
    for label, answer, _ in details.confusions:  # the most frequent first
        taken_for.setdefault(label, answer)
    names = details.class_names
    return [
        ClassRow(
            class_name=name,
            images=images,
            correct=correct,
            accuracy=correct / images if images else None,
            taken_for=names[taken_for[place]] if place in taken_for else None,
        )
        for place, (name, images, correct) in enumerate(zip(names, details.images, details.correct, strict=True))
    ]


def confusion_rows(details: ClassDetails) -> list[ConfusionRow]:
    names = details.class_names
    right = [(place, place, correct) for place, correct in enumerate(details.correct) if correct]
    cells = sorted([*right, *details.confusions])
    return [ConfusionRow(class_name=names[row], answer=names[column], images=count) for row, column, count in cells]


def mistake_rows(details: ClassDetails) -> list[MistakeRow]:
    names = details.class_names
    return [
        MistakeRow(file=file, class_name=names[label], answer=names[answer], probability=probability)
        for file, label, answer, probability in details.misclassified
    ]


def worst_first(rows: Sequence[ClassRow]) -> list[ClassRow]:
    """Classes with images, by their accuracy."""
    return sorted((row for row in rows if row.accuracy is not None), key=lambda row: row.accuracy or 0.0)
