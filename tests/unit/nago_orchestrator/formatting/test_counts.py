from __future__ import annotations

import pytest

from nago_orchestrator.formatting.counts import counted, learnt_from


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (0, "trial", "0 trials"),
        (1, "epoch", "1 epoch"),
        (2, "epoch", "2 epochs"),
        (19_200, "epoch", "19,200 epochs"),
        (1, "process", "1 process"),
        (3, "process", "3 processes"),
    ],
)
def test_one_is_singular(count: int, noun: str, words: str) -> None:
    assert counted(count, noun) == words


def test_a_warm_start_names_its_studies() -> None:
    assert learnt_from(14, ["digits-first", "digits-second"]) == "14 evaluations of digits-first, digits-second"
