"""What the trainer, asked in a process of its own, says of a dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nago_orchestrator.errors import ImageStorageError, InputError, NagoError
from nago_orchestrator.executors.local.dataset_check import check_dataset, refuse_untrainable
from nago_trainer.contract.data_report import BrokenImage, DataReport
from nago_trainer.contract.data_sets import DATA_SETS, DatasetFacts
from nago_trainer.contract.data_source import DataSource

DIGITS = DataSource(name="digits", path=None, validation_fraction=0.2)


def test_digits_are_described_by_the_real_trainer() -> None:
    report = check_dataset(DIGITS)
    assert (report.channels, len(report.classes), report.images, report.broken) == (1, 10, 1797, ())


def test_the_trainers_sentence_is_the_users(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere") as caught:
        check_dataset(DataSource(name="folder", path=str(tmp_path / "nowhere"), validation_fraction=0.2))
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer", ["hello", '{"channels": 1}'])
def test_another_answer_is_shown(answer: str) -> None:
    with pytest.raises(NagoError, match="unexpected output of the trainer for the dataset digits"):
        check_dataset(DIGITS, ("echo", answer))


def test_a_trainer_that_dies_without_a_word_has_a_sentence_too() -> None:
    with pytest.raises(InputError, match="cannot read the dataset"):
        check_dataset(DIGITS, ("sh", "-c", "cat; exit 9"))


def test_storage_that_fails_is_told_from_images_that_are_wrong() -> None:
    with pytest.raises(ImageStorageError, match=r"^cannot read the images: Stale file handle$"):
        check_dataset(
            DataSource(name="folder", path="/x", validation_fraction=0.2),
            ("sh", "-c", "cat; echo 'error: cannot read the images: Stale file handle' >&2; exit 74"),
        )


def test_what_is_known_of_digits_without_looking_is_what_the_trainer_finds() -> None:
    report = check_dataset(DIGITS)
    found = DatasetFacts(channels=report.channels, classes=len(report.classes), images=report.images)
    assert found == DATA_SETS["digits"].published


def _broken(count: int) -> DataReport:
    images = tuple(BrokenImage(file=f"{each}.png", why=f"cannot read {each}.png") for each in range(count))
    return replace(check_dataset(DIGITS), broken=images, broken_count=count)


def test_broken_images_are_refused_all_at_once() -> None:
    with pytest.raises(InputError, match=r"^cannot read 0\.png$"):
        refuse_untrainable(_broken(1))
    with pytest.raises(InputError, match=r"^3 images cannot be read, the first because: .* lists them$"):
        refuse_untrainable(_broken(3))
