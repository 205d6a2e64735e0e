from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nago_orchestrator.domain.dataset import LISTED_CLASSES, in_words, steps_per_epoch, summary_of, warnings
from nago_trainer.contract.data_report import ClassCount, DataReport, LeftOut
from nago_trainer.training.batches import shuffled_batches

REPORT = DataReport(
    channels=3,
    images=160,
    training=128,
    validation=32,
    classes=(ClassCount(name="cat", images=160, training=128, validation=32),),
    smallest=(8, 8),
    largest=(9, 9),
    left_out=(
        LeftOut(reason="suffix .heic", count=1400, examples=("cat/a.heic",)),
        LeftOut(reason="hidden", count=1, examples=(".DS_Store",)),
    ),
    hints=("a hint",),
)


@pytest.mark.parametrize(("images", "batch"), [(128, 96), (97, 96), (96, 96), (1, 1), (5, 1), (1, 4), (9, 4), (10, 4)])
def test_steps_are_counted_as_the_trainer_takes_them(images: int, batch: int) -> None:
    batches = shuffled_batches(torch.zeros(images), batch, torch.Generator())
    assert steps_per_epoch(images, batch) == len(batches)


def test_the_line_says_how_much_there_is_and_what_was_left_out() -> None:
    assert in_words(summary_of(REPORT, 96)) == (
        "160 of 1 classes: 128 for training (2 steps per epoch), 32 for validation; "
        "left out: 1,400 suffix .heic, 1 hidden"
    )


def test_a_study_keeps_the_counts_of_its_first_classes_and_the_sizes() -> None:
    many = tuple(ClassCount(name=f"c{number}", images=2, training=1, validation=1) for number in range(2000))
    found = summary_of(replace(REPORT, classes=many), 96)
    assert (found.smallest, found.largest, found.classes) == ((8, 8), (9, 9), 2000)
    assert list(found.class_images.items())[:2] == [("c0", 2), ("c1", 2)]
    assert len(found.class_images) == LISTED_CLASSES


def test_what_is_probably_not_meant_is_warned_of() -> None:
    assert warnings(REPORT, 96) == (
        "a hint",
        "left out: 1,400 suffix .heic",
        "an epoch has only 2 steps (128 training images, trainer.batch_size 96): lower trainer.batch_size",
    )
    assert warnings(REPORT, 16)[2:] == ()
