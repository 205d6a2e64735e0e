"""A report may be true, or it is refused with a clause that names the value, whatever a trainer sends."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nago_trainer.contract.json_form import ContractError, read_json
from nago_trainer.contract.reports import LONGEST_SECONDS, EpochRecord, FailureReport, TrialResult
from tests.store_scene import EPOCH, RESULT

FAILURE = {"kind": "defect", "reason": "ValueError", "message": "The images are gone."}
REPORTS: dict[Any, dict[str, Any]] = {
    EpochRecord: EPOCH.to_json(),
    TrialResult: RESULT.to_json(),
    FailureReport: FAILURE,
}
SHARES = ("validation_accuracy", "training_accuracy")
LOSSES = ("validation_loss", "training_loss")
TIMES = ("seconds", "seconds_to_first_step")

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.mark.parametrize("kind", REPORTS)
def test_an_honest_report_is_valid(kind: Any) -> None:
    assert kind.from_json(REPORTS[kind]).problem() is None


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (SHARES, (7, -0.1, 1.0001, "NaN", "Infinity", "0.5", None, True, [])),
        (LOSSES, (-0.1, "-Infinity", "1.0", {}, False)),
        (TIMES, (-1, "NaN", "Infinity", 2 * LONGEST_SECONDS, 10**400, "1")),
        (("epoch", "epochs"), (-1, 2**40, 1.0, 1.5, "1", True, None)),
        (("parameters",), (-1, 2**63, 1.0, "Infinity")),
        (("diverged",), (0, "false", None)),
        (("device", "network"), ("x" * 1001, 3, ["cpu"])),
        (("kind",), ("interrupted", "infrastructure", "", None)),
        (("reason", "message"), (None, 3)),
    ],
)
def test_what_no_training_can_have_measured_is_refused_by_its_name(
    names: tuple[str, ...], values: tuple[Any, ...]
) -> None:
    for kind, honest in REPORTS.items():
        for name in honest.keys() & set(names):
            for value in values:
                with pytest.raises(ContractError, match=name):
                    kind.from_json({**honest, name: value})


def test_a_training_that_diverged_has_no_finite_loss() -> None:
    TrialResult.from_json({**RESULT.to_json(), "validation_loss": "Infinity", "diverged": True})
    EpochRecord.from_json({**EPOCH.to_json(), "validation_loss": "NaN"})


@pytest.mark.slow
@settings(max_examples=200)
@given(kind=st.sampled_from(list(REPORTS)), data=st.data())
def test_whatever_comes_is_valid_or_refused(kind: Any, data: st.DataObject) -> None:
    honest = REPORTS[kind]
    changed = data.draw(st.dictionaries(st.sampled_from(list(honest)) | st.text(), anything, max_size=3))
    report = data.draw(anything | st.just({**honest, **changed}))
    try:
        arrived = kind.from_json(report)
    except ContractError:
        return
    assert arrived.problem() is None


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "1" * 10_000, b"\xff", b'{"a": "\x00"}', "nothing"])
def test_what_cannot_be_read_is_one_error(text: str | bytes) -> None:
    with pytest.raises(ContractError, match="not JSON that can be read"):
        read_json(text)


def test_a_report_read_from_rows_is_checked_as_one_that_came_as_text() -> None:
    values = {**RESULT.to_json(), "seconds": math.inf}
    assert TrialResult(**values).problem() == "seconds must be between 0 and 1,000,000,000.0"


@pytest.mark.parametrize("text", [r'{"token": "\ud800"}', r'{"\uDFff": 1}', '["\ud800"]', b'["\\ud800\\u0041"]'])
def test_half_a_character_is_no_text(text: str | bytes) -> None:
    with pytest.raises(ContractError, match="not JSON"):
        read_json(text)


def test_both_halves_are_a_character() -> None:
    assert read_json(r'["\ud83d\ude00", "\\ud800"]') == ["😀", r"\ud800"]
