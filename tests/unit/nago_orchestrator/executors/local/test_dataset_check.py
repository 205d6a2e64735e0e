"""What the trainer, asked in a process of its own, says of a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from nago_orchestrator.errors import InputError, NagoError
from nago_orchestrator.executors.local.dataset_check import describe_dataset
from nago_trainer.contract.data_sets import DATA_SETS, DatasetFacts


def test_digits_are_described_by_the_real_trainer() -> None:
    assert describe_dataset("digits", None) == DatasetFacts(channels=1, classes=10, images=1797)


def test_the_trainers_sentence_is_the_users(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere") as caught:
        describe_dataset("folder", str(tmp_path / "nowhere"))
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer", ["hello", '{"channels": 1}'])
def test_another_answer_is_shown(answer: str) -> None:
    with pytest.raises(NagoError, match="unexpected output of the trainer for the dataset digits"):
        describe_dataset("digits", None, ("echo", answer))


def test_a_trainer_that_dies_without_a_word_has_a_sentence_too() -> None:
    with pytest.raises(InputError, match="cannot read the dataset"):
        describe_dataset("digits", None, ("sh", "-c", "cat; exit 9"))


def test_what_is_known_of_digits_without_looking_is_what_the_trainer_finds() -> None:
    assert describe_dataset("digits", None) == DATA_SETS["digits"].published
