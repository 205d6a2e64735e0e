from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from nago_trainer.attempt.folder_report import Report
from nago_trainer.contract.attempt_files import REPORT_FILE
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.errors import ReportError
from tests.disk import disk_with_room_for

RECORD = EpochRecord(
    epoch=1,
    training_loss=math.nan,
    training_accuracy=0.5,
    validation_loss=math.inf,
    validation_accuracy=0.0,
    learning_rate=0.1,
    seconds=1.0,
)
RESULT = TrialResult(
    validation_accuracy=0.0,
    validation_loss=math.inf,
    diverged=True,
    epochs=1,
    seconds=2.0,
    seconds_to_first_step=0.1,
    parameters=5,
    device="cpu",
    network=None,
)


def test_lines_are_json_with_the_token_and_can_be_read_back(tmp_path: Path) -> None:
    report = Report(tmp_path, "secret")
    report.epoch(RECORD)
    report.epoch(replace(RECORD, epoch=2))
    report.result(RESULT)
    report.failure(kind="infeasible", reason="OutOfMemory", message="It does not fit.")
    lines = [json.loads(line) for line in (tmp_path / REPORT_FILE).read_text().splitlines()]
    assert [line.pop("token") for line in lines] == ["secret"] * 4
    assert [EpochRecord.from_json(line["epoch"]).epoch for line in lines[:2]] == [1, 2]
    assert math.isnan(EpochRecord.from_json(lines[0]["epoch"]).training_loss)
    assert TrialResult.from_json(lines[2]["result"]) == RESULT
    assert lines[3] == {"failure": {"kind": "infeasible", "reason": "OutOfMemory", "message": "It does not fit."}}


def test_every_line_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    report = Report(tmp_path, "secret")
    for count in (1, 2, 3):
        report.epoch(RECORD)
        assert (tmp_path / REPORT_FILE).read_text().count("\n") == count


@pytest.mark.parametrize("room", [0, 5])
def test_a_line_for_which_the_disk_has_no_room_leaves_nothing_behind(tmp_path: Path, room: int) -> None:
    report = Report(tmp_path, "secret")
    report.epoch(RECORD)
    written = (tmp_path / REPORT_FILE).read_bytes()
    with (
        disk_with_room_for(len(written) + room),
        pytest.raises(ReportError, match=r"cannot write the report: .*report\.jsonl"),
    ):
        report.epoch(replace(RECORD, epoch=2))
    assert (tmp_path / REPORT_FILE).read_bytes() == written
    report.result(RESULT)
    assert len((tmp_path / REPORT_FILE).read_text().splitlines()) == 2
