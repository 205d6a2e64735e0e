"""What a classifier is worth on labelled images, from its logits. Pure: batches are added to counts.

The memory grows with the classes and with the pairs of classes that are confused, not with the pairs that there are: a
data set may have very many classes. Letters of the shapes: B images in one batch, K classes. Classes without images do
not count in balanced accuracy and worst class; in macro F1 they count as 0 if they are predicted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

TOP = 5
CALIBRATION_BINS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Every share is in [0, 1]."""

    images: int
    accuracy: float
    balanced_accuracy: float
    """Mean of the accuracies of the classes."""
    macro_f1: float
    """Mean of F1 = 2 TP / (2 TP + FP + FN) over the classes that have images or were answered."""
    top_5: float
    """Share of images whose class is among the five highest logits; 1 for five classes or fewer."""
    worst_class: float
    """Accuracy of the class that is recognised worst."""
    calibration_error: float
    """Expected calibration error in 15 bins of equal width of the highest probability."""
    per_class: tuple[float | None, ...]
    """Accuracy of each class; None for one without images."""
    of_class: tuple[int, ...]
    """Images of each class."""
    correct: tuple[int, ...]
    """Of them, those that were recognised."""
    confused: Mapping[tuple[int, int], int]
    """Images of a class that were taken for another one, for the pairs for which there are any."""

    def confusion(self) -> Iterator[tuple[int, ...]]:
        """The confusion matrix, one row after the other: images of class i that were taken for class j."""
        taken: dict[int, dict[int, int]] = {}
        for (label, answer), images in self.confused.items():
            taken.setdefault(label, {})[answer] = images
        for label, correct in enumerate(self.correct):
            row = [0] * len(self.correct)
            for answer, images in ((label, correct), *taken.get(label, {}).items()):
                row[answer] = images
            yield tuple(row)


class Tally:
    """What was counted so far. The order of the images and of the batches changes nothing but the last bits."""

    def __init__(self, classes: int) -> None:
        if classes < 1:
            raise ValueError(f"there must be at least one class, found {classes}")
        self._classes = classes
        self._of_class, self._answered, self._hits = np.zeros((3, classes), dtype=np.int64)
        self._confused = Counter[tuple[int, int]]()
        self._in_top = 0
        self._bins = np.zeros((CALIBRATION_BINS, 2))
        """Of each bin: how many images were right, and the sum of the probabilities."""

    def add(self, labels: ArrayLike, logits: ArrayLike) -> NDArray[np.int64]:
        """Counts a batch (labels [B], logits [B, K]) and returns the classes that were answered, the lowest of equals.

        Raises ValueError for logits that are not finite, for labels without a class, and for other shapes.
        """
        truth, scores = self._checked(labels, logits)
        answers: NDArray[np.int64] = scores.argmax(axis=1)
        wrong = answers != truth
        for count, classes in ((self._of_class, truth), (self._answered, answers), (self._hits, truth[~wrong])):
            np.add.at(count, classes, 1)
        self._confused.update(zip(truth[wrong].tolist(), answers[wrong].tolist(), strict=True))
        own = scores[np.arange(len(truth)), truth][:, None]
        before = (scores == own) & (np.arange(self._classes) < truth[:, None])
        self._in_top += int((((scores > own) | before).sum(axis=1) < TOP).sum())
        highest = 1.0 / np.exp(scores - scores.max(axis=1, keepdims=True)).sum(axis=1)  # of the softmax
        place = np.clip(np.ceil(highest * CALIBRATION_BINS).astype(np.int64) - 1, 0, CALIBRATION_BINS - 1)
        np.add.at(self._bins, place, np.stack([~wrong, highest], axis=1))
        return answers

    def measures(self) -> Measures:
        """Raises ValueError where no image was counted."""
        hits, of_class, answered = self._hits, self._of_class, self._answered
        images = int(of_class.sum())
        if images == 0:
            raise ValueError("there are no images to measure on")
        there, seen = of_class > 0, of_class + answered > 0
        shares = hits[there] / of_class[there]
        return Measures(
            images=images,
            accuracy=int(hits.sum()) / images,
            balanced_accuracy=float(shares.mean()),
            macro_f1=float((2 * hits[seen] / (of_class + answered)[seen]).mean()),
            top_5=self._in_top / images,
            worst_class=float(shares.min()),
            calibration_error=float(np.abs(self._bins[:, 0] - self._bins[:, 1]).sum() / images),
            per_class=tuple(
                hit / count if count else None for hit, count in zip(hits.tolist(), of_class.tolist(), strict=True)
            ),
            of_class=tuple(of_class.tolist()),
            correct=tuple(hits.tolist()),
            confused=dict(self._confused),
        )

    def _checked(self, labels: ArrayLike, logits: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        truth, scores = np.asarray(labels, dtype=np.int64), np.asarray(logits, dtype=np.float64)
        if truth.ndim != 1 or scores.shape != (len(truth), self._classes):
            shapes = f"labels {truth.shape} and logits {scores.shape}"
            raise ValueError(f"{shapes} do not belong to {self._classes} classes")
        if not np.isfinite(scores).all():
            bad = int((~np.isfinite(scores).all(axis=1)).sum())
            raise ValueError(f"the network's outputs are not finite numbers for {bad} of {len(truth)} images")
        if len(truth) and not (truth.min() >= 0 and truth.max() < self._classes):
            raise ValueError(f"labels must be between 0 and {self._classes - 1}")
        return truth, scores


def measure(labels: ArrayLike, logits: ArrayLike, *, classes: int) -> Measures:
    """Of all images at once: labels [N], logits [N, K]. Raises ValueError as `Tally` does.

    Probabilities serve as their logarithms do: `measure(labels, np.log(probabilities), ...)`, none of them being zero.
    The calibration error is that of Guo et al., On Calibration of Modern Neural Networks, 2017: in each of 15 bins
    ((m - 1)/15, m/15] of the highest probability, the distance of the mean probability from the accuracy, weighted by
    the bin's share of the images.
    """
    tally = Tally(classes)
    tally.add(labels, logits)
    return tally.measures()
