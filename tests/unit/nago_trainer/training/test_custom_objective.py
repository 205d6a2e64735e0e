from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nago_trainer.errors import ObjectiveError
from nago_trainer.training.custom_objective import load_objective, value_of

LABELS, LOGITS = np.array([0, 1, 1]), np.eye(2, dtype=np.float32)[[0, 1, 0]]
SOURCE = """
broken = 3
def wrong(labels, logits):
    labels[:] = 0  # a copy
    return (logits.argmax(axis=1) != 1).mean()
def fails(labels, logits):
    raise KeyError("cost")
def word(labels, logits):
    return "much"
def negative(labels, logits):
    return -1.0
def endless(labels, logits):
    return float("inf")
"""


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_measures_of_a_test.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "own_measures_that_fail.py").write_text("1 / 0", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_it_gets_labels_and_logits_and_cannot_change_them() -> None:
    name = "own_measures_of_a_test:wrong"
    assert value_of(load_objective(name), name, LABELS, LOGITS) == pytest.approx(2 / 3)
    assert LABELS.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_module_of_this_name:f", "cannot load the objective: ModuleNotFoundError"),
        ("own_measures_of_a_test:missing", "cannot load the objective: AttributeError"),
        ("own_measures_that_fail:f", "cannot load the objective: ZeroDivisionError"),
        ("own_measures_of_a_test:broken", "the objective is not a function"),
    ],
)
def test_what_cannot_be_loaded_is_told_in_a_sentence(name: str, words: str) -> None:
    with pytest.raises(ObjectiveError, match=words):
        load_objective(name)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("fails", "the objective failed: KeyError: 'cost'"),
        ("word", "the objective failed: ValueError"),
        ("negative", "returned -1.0; it must be a finite number from 0 to 1,000,000,000,000"),
        ("endless", "returned inf; it must be a finite number"),
    ],
)
def test_what_gives_no_number_is_told_in_a_sentence(function: str, words: str) -> None:
    name = f"own_measures_of_a_test:{function}"
    with pytest.raises(ObjectiveError, match=words):
        value_of(load_objective(name), name, LABELS, LOGITS)
