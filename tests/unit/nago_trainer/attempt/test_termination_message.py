from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from nago_trainer.attempt.termination_message import LARGEST_BYTES, TerminationMessage
from nago_trainer.contract.reports import TrialResult


def _result(network: str | None = None) -> TrialResult:
    return TrialResult(
        validation_accuracy=0.0,
        validation_loss=math.inf,
        diverged=True,
        epochs=1,
        seconds=2.0,
        seconds_to_first_step=0.1,
        parameters=5,
        device="cpu",
        network=network,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "termination-log"


def test_a_result_can_be_read_back(path: Path) -> None:
    assert TerminationMessage(path, "secret").result(_result("a/ö.pt"))
    content = json.loads(path.read_bytes())
    assert content["token"] == "secret"
    assert TrialResult.from_json(content["result"]) == _result("a/ö.pt")


def test_a_result_that_is_too_long_goes_without_its_network(path: Path) -> None:
    assert TerminationMessage(path, "secret").result(_result("ö" * 4000))
    assert TrialResult.from_json(json.loads(path.read_bytes())["result"]) == _result(None)


@pytest.mark.parametrize("message", ["short", "x" * 5000, "\U0001f600" * 5000, "\n" * 4000, "\ud800" * 2000])
def test_a_failure_fits_whatever_its_message(path: Path, message: str) -> None:
    assert TerminationMessage(path, "secret").failure(kind="defect", reason="KeyError", message=message)
    assert path.stat().st_size <= LARGEST_BYTES
    failure = json.loads(path.read_bytes())["failure"]
    assert (failure["kind"], failure["reason"]) == ("defect", "KeyError")
    assert failure["message"]
    assert message.startswith(failure["message"])


def test_a_message_that_cannot_be_written_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not TerminationMessage(tmp_path, "secret").result(_result())
    assert "cannot write the termination message" in capsys.readouterr().err


def test_a_message_that_cannot_fit_is_not_written(path: Path) -> None:
    assert not TerminationMessage(path, "t" * 5000).failure(kind="defect", reason="x", message="m")
    assert not TerminationMessage(path, "t" * 5000).result(_result())
    assert not path.exists()
