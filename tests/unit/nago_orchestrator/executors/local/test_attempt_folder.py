"""Reading what a trainer left, whole or cut off."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from nago_orchestrator.executors.local.attempt_folder import (
    Claim,
    Report,
    read_claim,
    read_exit,
    read_json,
    read_log_tail,
    read_report,
)
from nago_trainer.contract.process_identity import process_start_ticks
from nago_trainer.contract.reports import EpochRecord, TrialResult
from tests import processes

EPOCH = EpochRecord(
    epoch=1,
    training_loss=1.0,
    training_accuracy=0.5,
    validation_loss=float("inf"),
    validation_accuracy=0.5,
    learning_rate=0.1,
    seconds=1.0,
)
RESULT = TrialResult(
    validation_accuracy=0.5,
    validation_loss=1.0,
    diverged=False,
    epochs=1,
    seconds=1.0,
    seconds_to_first_step=0.1,
    parameters=10,
    device="cpu",
    network=None,
)


def line(token: str = "token", **entry: object) -> str:
    return json.dumps({"token": token, **entry}) + "\n"


def test_epochs_and_result_are_read_once_each_as_they_come(tmp_path: Path) -> None:
    path, report = tmp_path / "report.jsonl", Report()
    path.write_text(line(epoch=EPOCH.to_json()))
    read_report(tmp_path, report, "token")
    read_report(tmp_path, report, "token")
    assert (report.epochs, report.result) == ([EPOCH], None)
    with path.open("a") as file:
        file.write(line(result=RESULT.to_json()))
    read_report(tmp_path, report, "token")
    assert (report.epochs, report.result) == ([EPOCH], RESULT)


def test_a_line_that_is_cut_off_waits_for_its_rest(tmp_path: Path) -> None:
    path, report = tmp_path / "report.jsonl", Report()
    whole = line(result=RESULT.to_json())
    path.write_text(whole[:40])
    read_report(tmp_path, report, "token")
    assert report.result is None
    path.write_text(whole)
    read_report(tmp_path, report, "token")
    assert report.result == RESULT


@pytest.mark.parametrize("foreign", [line("other", result=RESULT.to_json()), "{]\n", "[]\n", "[" * 100_000 + "\n"])
def test_lines_without_the_attempt_s_token_are_passed_over(tmp_path: Path, foreign: str) -> None:
    report = Report()
    (tmp_path / "report.jsonl").write_text(foreign + line(epoch=EPOCH.to_json()))
    read_report(tmp_path, report, "token")
    assert (report.epochs, report.result, report.problem) == ([EPOCH], None, None)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (line(result={**RESULT.to_json(), "validation_accuracy": 7}), "validation_accuracy must be between 0 and 1"),
        (line(epoch={**EPOCH.to_json(), "epoch": 2**70}), "epoch must be between"),
        (line(failure={"kind": "interrupted", "reason": "", "message": ""}), "kind must be one of infeasible, defect"),
        (line(result={"no": 1}), "missing"),
    ],
)
def test_one_line_that_is_not_valid_is_the_report_s_problem(tmp_path: Path, wrong: str, problem: str) -> None:
    report = Report()
    (tmp_path / "report.jsonl").write_text(wrong + line(result=RESULT.to_json()) + line(result={}))
    read_report(tmp_path, report, "token")
    assert problem in (report.problem or "")


def test_an_absent_folder_has_nothing(tmp_path: Path) -> None:
    folder, report = tmp_path / "none", Report()
    read_report(folder, report, "token")
    assert report == Report()
    assert [read_claim(folder), read_exit(folder), read_log_tail(folder), read_json(folder / "task.json")] == [None] * 4


def test_a_claim_holds_as_long_as_its_own_process_lives() -> None:
    process = processes.start(["sleep", "infinity"])
    ticks = process_start_ticks(process.pid)
    assert ticks is not None
    assert Claim(process.pid, ticks).is_alive
    assert not Claim(process.pid, ticks - 1).is_alive, "the pid was given to another process"
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not Claim(process.pid, ticks).is_alive, "dead, though nobody has asked how it ended"
    process.wait()
    assert not Claim(process.pid, ticks).is_alive


def test_only_the_end_of_a_long_log_is_kept(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("".join(f"line {number}\n" for number in range(100_000)))
    tail = (read_log_tail(tmp_path) or "").splitlines()
    assert tail[-1] == "line 99999"
    assert len(tail) == 30
