from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nago_trainer.training.measures import CALIBRATION_BINS, Tally, measure


def logits_of(answers: list[int], classes: int, *, sure: float = 5.0) -> NDArray[np.float64]:
    return sure * np.eye(classes)[answers]


@st.composite
def answered(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    classes = draw(st.integers(min_value=1, max_value=8))
    images = draw(st.integers(min_value=1, max_value=40))
    generator = np.random.default_rng(draw(st.integers(min_value=0, max_value=2**32)))
    return generator.integers(classes, size=images), generator.normal(size=(images, classes)) * 3, classes


def test_a_case_worked_by_hand() -> None:
    # Class 0: two of three right, one taken for 2; class 1: the one right; class 2: one right, one taken for 0.
    found = measure([0, 0, 0, 1, 2, 2], logits_of([0, 0, 2, 1, 2, 0], 3), classes=3)
    assert tuple(found.confusion()) == ((2, 0, 1), (0, 1, 0), (1, 0, 1))
    assert (found.of_class, found.correct, found.confused) == ((3, 1, 2), (2, 1, 1), {(0, 2): 1, (2, 0): 1})
    assert found.per_class == (2 / 3, 1.0, 0.5)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 + 1 / 2) / 3)
    assert found.macro_f1 == pytest.approx((4 / 6 + 1 + 2 / 4) / 3)
    assert (found.worst_class, found.top_5, found.images) == (0.5, 1.0, 6)
    probability = math.exp(5) / (math.exp(5) + 2)
    assert found.calibration_error == pytest.approx(probability - 4 / 6)


@settings(max_examples=25, deadline=None)
@given(answered())
def test_scikit_learn_agrees(case: tuple[NDArray[np.int64], NDArray[np.float64], int]) -> None:
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score, top_k_accuracy_score

    labels, logits, classes = case
    found = measure(labels, logits, classes=classes)
    answers = logits.argmax(axis=1)
    assert found.accuracy == pytest.approx(accuracy_score(labels, answers))
    if classes > 1:  # of one class it warns
        assert np.array_equal(list(found.confusion()), confusion_matrix(labels, answers, labels=range(classes)))
    recalls = recall_score(labels, answers, labels=np.unique(labels), average=None)
    assert found.balanced_accuracy == pytest.approx(recalls.mean())
    assert found.worst_class == pytest.approx(recalls.min())
    assert found.macro_f1 == pytest.approx(f1_score(labels, answers, average="macro"))
    if classes > 5:
        assert found.top_5 == pytest.approx(top_k_accuracy_score(labels, logits, k=5, labels=range(classes)))
    else:
        assert found.top_5 == 1.0


@settings(max_examples=25, deadline=None)
@given(answered(), st.integers(min_value=1, max_value=7))
def test_batches_change_nothing(case: tuple[NDArray[np.int64], NDArray[np.float64], int], size: int) -> None:
    labels, logits, classes = case
    whole = measure(labels, logits, classes=classes)
    tally = Tally(classes)
    for start in range(0, len(labels), size):
        tally.add(labels[start : start + size], logits[start : start + size])
    parts = tally.measures()
    assert (parts.of_class, parts.correct, parts.confused) == (whole.of_class, whole.correct, whole.confused)
    assert parts.calibration_error == pytest.approx(whole.calibration_error)
    assert 0 <= whole.calibration_error <= 1


def test_very_many_classes_take_no_memory_for_pairs_that_are_not_confused() -> None:
    classes = 4000  # whose matrix would take 128 MB
    labels, logits = np.arange(20), np.zeros((20, classes))
    tracemalloc.start()
    try:
        found = measure(labels, logits, classes=classes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.confused == {(label, 0): 1 for label in range(1, 20)}
    assert peak < 16e6


def test_the_calibration_error_is_the_weighted_distance_in_each_bin() -> None:
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.6, 0.4], [0.6, 0.4]])
    # Bin (14/15, 1]: accuracy 1/2 against 0.95; bin (8/15, 9/15]: accuracy 1 against 0.6.
    found = measure([0, 1, 0, 0], np.log(probabilities), classes=2)
    assert found.calibration_error == pytest.approx(0.5 * 0.45 + 0.5 * 0.4)


def test_a_probability_on_the_edge_of_two_bins_belongs_to_the_lower_one_and_all_have_a_bin() -> None:
    one_class = measure([0, 0], [[3.0], [-2.0]], classes=1)
    assert (one_class.accuracy, one_class.calibration_error, one_class.worst_class) == (1.0, 0.0, 1.0)
    least = measure([0], np.zeros((1, 1000)), classes=1000)
    assert least.calibration_error == pytest.approx(1 - 1 / 1000)
    assert CALIBRATION_BINS == 15


def test_a_class_without_images_has_no_accuracy_and_no_part_in_the_means() -> None:
    found = measure([0, 0], logits_of([0, 1], 3), classes=3)
    assert found.per_class == (0.5, None, None)
    assert (found.balanced_accuracy, found.worst_class) == (0.5, 0.5)
    assert found.macro_f1 == pytest.approx((2 / 3 + 0) / 2)  # class 1 was answered, class 2 was not


def test_of_equal_logits_the_lowest_class_is_the_answer() -> None:
    logits = np.zeros((7, 7))
    found = measure(list(range(7)), logits, classes=7)
    assert found.accuracy == pytest.approx(1 / 7)
    assert found.top_5 == pytest.approx(5 / 7)


def test_large_logits_do_not_overflow() -> None:
    found = measure([0, 1], [[1e300, 0.0], [0.0, 1e300]], classes=2)
    assert (found.accuracy, found.calibration_error) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("labels", "logits", "words"),
    [
        ([], np.zeros((0, 3)), "no images"),
        ([0, 1], [[0.0, math.nan, 0.0], [0.0, 1.0, 0.0]], "not finite numbers for 1 of 2 images"),
        ([0, 3], np.zeros((2, 3)), "labels must be between 0 and 2"),
        ([0], np.zeros((1, 2)), "do not belong to 3 classes"),
    ],
)
def test_what_cannot_be_measured_is_refused(labels: list[int], logits: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        measure(labels, np.asarray(logits), classes=3)
