from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from nago_trainer.contract.class_details import LONGEST_NAME, ClassDetails, shown_name
from nago_trainer.contract.json_form import ContractError

DETAILS = ClassDetails(
    measured_on="test",
    class_names=("ant", "bee", "cat"),
    images=(4, 2, 0),
    correct=(2, 2, 0),
    confusions=((0, 1, 1), (0, 2, 1)),
    misclassified=(("ant/1.png", 0, 1, 0.9), ("ant/2.png", 0, 2, 1.0)),
)


def test_details_arrive_as_they_were_sent() -> None:
    assert ClassDetails.from_json(json.loads(json.dumps(DETAILS.to_json()))) == DETAILS
    assert DETAILS.wrong == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"class_names": []},
        {"class_names": ["a"] * 2001},
        {"class_names": [1, 2, 3]},
        {"images": [4, 2]},
        {"images": [4, 2, -1]},
        {"images": [1, 2, 0]},
        {"images": [True, 2, 0]},
        {"correct": "220"},
        {"confusions": [[0, 3, 1]]},
        {"confusions": [[0, 1]]},
        {"confusions": [[0, 1, 1]] * 5001},
        {"confusions": [[0, 1, 2**63]]},
        {"confusions": [[0, 1, 2], [0, 2, 1]]},
        {"confusions": [[0, 0, 1]]},
        {"images": [10**30, 2, 0]},
        {"images": [6 * 10**11, 6 * 10**11, 0]},
        {"measured_on": "x" * 201},
        {"class_names": ["ant", "bee", "\ud800"]},
        {"misclassified": [["a", 1, 1, 0.5]]},
        {"misclassified": [["a", 0, 1, 1.5]]},
        {"misclassified": [["a", 0, 1, float("nan")]]},
        {"misclassified": [[1, 0, 1, 0.5]]},
        {"misclassified": {}},
        {"misclassified": [["x" * 3000, 0, 1, 0.5]] * 1000},
    ],
)
def test_what_contradicts_itself_or_is_too_large_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="details must"):
        ClassDetails.from_json({**DETAILS.to_json(), **changes})


def test_names_become_text_that_every_database_takes() -> None:
    assert shown_name("bee/\udcff.png") == "bee/?.png"
    long = shown_name("a" * 500 + "/7.png")
    assert (len(long), long[:4], long[-6:]) == (LONGEST_NAME, "...a", "/7.png")


def test_the_largest_details_are_accepted() -> None:
    classes = 2000
    largest = replace(
        DETAILS,
        class_names=("é" * LONGEST_NAME,) * classes,
        images=(10**8,) * classes,
        correct=(0,) * classes,
        confusions=((1998, 1999, 10**4),) * 5000,
        misclassified=(("é" * LONGEST_NAME, 1998, 1999, 0.123456789012345),) * 1000,
    )
    assert largest.problem() is None
