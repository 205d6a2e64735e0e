"""A database that never answers; those that do are real ones, in tests/integration."""

from __future__ import annotations

import json
import math
import re
import socket
from pathlib import Path

import pytest

from nago_trainer.attempt.database_attempt import AttemptSettings, read_task
from nago_trainer.attempt.database_report import DatabaseReport, SendLimits
from nago_trainer.attempt.postgres import AttemptDatabase
from nago_trainer.attempt.termination_message import TerminationMessage
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.errors import TaskError, UnavailableError

EPOCH = EpochRecord(
    epoch=1,
    training_loss=math.nan,
    training_accuracy=0.1,
    validation_loss=math.inf,
    validation_accuracy=0.2,
    learning_rate=0.1,
    seconds=1.0,
)
RESULT = TrialResult(
    validation_accuracy=0.2,
    validation_loss=1.0,
    diverged=False,
    epochs=1,
    seconds=2.0,
    seconds_to_first_step=0.1,
    parameters=5,
    device="cpu",
    network=None,
)


@pytest.fixture
def database(tmp_path: Path) -> AttemptDatabase:
    return AttemptDatabase(f"postgresql://nobody@/nothing?host={tmp_path}")


def _report(database: AttemptDatabase, message: Path, seconds: float) -> tuple[DatabaseReport, list[str]]:
    told: list[str] = []
    report = DatabaseReport(
        database,
        TerminationMessage(message, "token"),
        on_message=lambda: told.append("message"),
        limits=SendLimits(result_seconds=seconds, last_epochs_seconds=seconds),
    )
    return report, told


def test_epochs_wait_in_line_and_the_result_in_the_message(tmp_path: Path) -> None:
    """If one of them waited for the database, which never answers, the test would not end."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        database = AttemptDatabase(f"postgresql://nobody@127.0.0.1:{deaf.getsockname()[1]}/nothing")
        report, told = _report(database, tmp_path / "message", seconds=0.3)
        for _ in range(1000):
            report.epoch(EPOCH)
        report.result(RESULT)
    assert (told, report.stored) == (["message"], False)
    assert TrialResult.from_json(json.loads((tmp_path / "message").read_text())["result"]) == RESULT


def test_a_result_that_finds_no_way_is_an_error(database: AttemptDatabase, tmp_path: Path) -> None:
    report, told = _report(database, tmp_path, seconds=0.1)
    with pytest.raises(UnavailableError) as found:
        report.result(RESULT)
    assert (told, found.value.exit_code) == ([], ExitCode.UNAVAILABLE)


def test_a_failure_is_in_the_message(database: AttemptDatabase, tmp_path: Path) -> None:
    report, told = _report(database, tmp_path / "message", seconds=0.1)
    report.epoch(EPOCH)
    report.failure(kind="infeasible", reason="OutOfMemory", message="It does not fit.")
    assert told == []
    assert json.loads((tmp_path / "message").read_text()) == {
        "token": "token",
        "failure": {"kind": "infeasible", "reason": "OutOfMemory", "message": "It does not fit."},
    }


def test_a_task_that_does_not_come_is_no_defect(database: AttemptDatabase, tmp_path: Path) -> None:
    settings = AttemptSettings(
        attempt="attempt",
        token="token",
        database_url="",
        scratch=tmp_path,
        termination_log=tmp_path / "message",
        task_seconds=0.6,
    )
    with pytest.raises(UnavailableError, match="cannot reach the database"):
        read_task(database, settings)


@pytest.mark.parametrize("address", ["nago.sqlite", "sqlite:///nago.sqlite", "mysql://a@b/c", ""])
def test_only_postgresql_will_do(address: str) -> None:
    with pytest.raises(TaskError, match="invalid NAGO_DATABASE_URL: write postgresql://"):
        AttemptDatabase(address)


@pytest.mark.slow
def test_trainers_that_failed_together_do_not_try_again_together(
    database: AttemptDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = [_report(database, tmp_path / f"message-{number}", seconds=0.1)[0] for number in range(12)]
    for report in reports:
        report.result(RESULT)
    said = capsys.readouterr().err
    assert len(set(re.findall(r"next try in (\S+) s", said))) > 1
