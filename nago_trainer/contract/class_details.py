"""What a trained network gets right and wrong: of each class, which classes it confuses, and which images.

Bounded, whatever the data set's size: the most frequent confusions and the most confident mistakes. Too large for a
termination message, so the database and the attempt's report carry it alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from operator import gt
from typing import Any, Self

from nago_trainer.contract.json_form import ContractError, build

MOST_CLASSES = 2_000
"""Of a data set with more, there are no details."""
MOST_IMAGES = 10**12
"""Of all classes together: what many networks add up to stays an integer of eight bytes."""
MOST_CONFUSIONS = 5_000
MOST_MISCLASSIFIED = 1_000
LONGEST_NAME = 200
"""Characters of a class or a file; what is longer is cut at its beginning."""
MOST_CHARACTERS = 2_000_000
"""Of the JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDetails:
    measured_on: str
    """`validation` or `test`."""
    class_names: tuple[str, ...]
    images: tuple[int, ...]
    """Of each class; this and the next in the order of the names."""
    correct: tuple[int, ...]
    confusions: tuple[tuple[int, int, int], ...]
    """Class, another class that it was taken for, and how many images; the most frequent first."""
    misclassified: tuple[tuple[str, int, int, float], ...]
    """File below the folder of the images (or the image's number in its data set), class, answer, and the probability
    of the answer; the highest first."""

    @property
    def wrong(self) -> int:
        """All images that are misclassified, whether they are listed or not."""
        return sum(self.images) - sum(self.correct)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Raises ContractError for another form, for other sizes and for what contradicts itself."""
        details = build(cls, data)
        problem = details.problem()
        if problem is not None:
            raise ContractError(problem)
        return cls(
            measured_on=details.measured_on,
            class_names=tuple(details.class_names),
            images=tuple(details.images),
            correct=tuple(details.correct),
            confusions=tuple((row[0], row[1], row[2]) for row in details.confusions),
            misclassified=tuple((row[0], row[1], row[2], float(row[3])) for row in details.misclassified),
        )

    def problem(self) -> str | None:
        """As one clause; None for details that may be true."""
        classes = len(self.class_names) if isinstance(self.class_names, (list, tuple)) else 0
        if not 1 <= classes <= MOST_CLASSES or not all(isinstance(name, str) for name in self.class_names):
            return f"details must name 1 to {MOST_CLASSES:,} classes"
        if any(shown_name(name) != name for name in (*self.class_names, self.measured_on)):
            return f"details must have names of at most {LONGEST_NAME} characters that every database takes"
        return self._problem_of_counts(classes) or self._problem_of_lists(classes)

    def _problem_of_counts(self, classes: int) -> str | None:
        counts = self.images, self.correct
        if not all(_are_counts(row, classes) for row in counts) or any(map(gt, self.correct, self.images)):
            return "details must count the images of each class, and no more as correct"
        if sum(self.images) > MOST_IMAGES:
            return f"details must count at most {MOST_IMAGES:,} images"
        return None

    def _problem_of_lists(self, classes: int) -> str | None:
        if not _are_rows(self.confusions, MOST_CONFUSIONS, (int, int, int), classes):
            return f"details must have at most {MOST_CONFUSIONS:,} confusions of two classes and a number"
        if self._confuses_too_many():
            return "details must confuse no more images of a class than are wrong"
        if not _are_rows(self.misclassified, MOST_MISCLASSIFIED, (str, int, int, float), classes):
            return f"details must have at most {MOST_MISCLASSIFIED:,} misclassified files with two classes and a number"
        if len(json.dumps(self.to_json(), ensure_ascii=False)) > MOST_CHARACTERS:
            return f"details must have at most {MOST_CHARACTERS:,} characters"
        return None

    def _confuses_too_many(self) -> bool:
        left = [images - correct for images, correct in zip(self.images, self.correct, strict=True)]
        for label, _, images in self.confusions:
            left[label] -= images
        return min(left) < 0


def shown_name(name: str) -> str:
    """As text that every database takes, and not too long."""
    clean = name.encode("utf-8", "replace").decode().replace("\0", "?")
    return clean if len(clean) <= LONGEST_NAME else "..." + clean[-LONGEST_NAME + 3 :]


def _are_counts(row: Any, classes: int) -> bool:
    return isinstance(row, (list, tuple)) and len(row) == classes and all(type(n) is int and n >= 0 for n in row)


def _are_rows(rows: Any, most: int, kinds: tuple[type, ...], classes: int) -> bool:
    """The last three values of a row are a class, another class and a number."""
    return isinstance(rows, (list, tuple)) and len(rows) <= most and all(_is_row(row, kinds, classes) for row in rows)


def _is_row(row: Any, kinds: tuple[type, ...], classes: int) -> bool:
    if not isinstance(row, (list, tuple)) or len(row) != len(kinds):
        return False
    if not all(_is_of(value, kind) for value, kind in zip(row, kinds, strict=True)):
        return False
    label, answer, last = row[-3:]
    largest = 1 if kinds[-1] is float else MOST_IMAGES
    return bool(0 <= label < classes and 0 <= answer < classes and label != answer and 0 <= last <= largest)


def _is_of(value: Any, kind: type) -> bool:
    """type() and not isinstance(): a bool is an int. JSON's 1 is a float's, too."""
    return type(value) is kind or (kind is float and type(value) is int)
